r.search ->> 'displayname'
