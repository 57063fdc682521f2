SELECT reference, kind, key FROM roster_private.ldap_members($1, $2)
