SELECT who FROM roster_private.endpoint_sample($1)
