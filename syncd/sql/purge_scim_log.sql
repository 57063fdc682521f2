SELECT roster_private.purge_scim_log()
