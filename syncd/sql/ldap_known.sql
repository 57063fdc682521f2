SELECT key FROM roster_private.ldap_known($1, $2) AS key
