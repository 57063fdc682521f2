SELECT key, reference FROM roster_private.ldap_containers($1)
