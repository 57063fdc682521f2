SELECT roster_private.release_live($1)
