SELECT roster_private.purge_push()
