r.search ->> 'externalid'
