SELECT kind, external_id FROM roster_private.ldap_again($1)
