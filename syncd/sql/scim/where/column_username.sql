r.search ->> 'username'
