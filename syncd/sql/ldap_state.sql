SELECT cursor, full_due FROM roster_private.ldap_state($1)
