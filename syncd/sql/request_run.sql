SELECT roster_private.request_run($1)
