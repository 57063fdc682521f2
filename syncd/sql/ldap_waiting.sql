SELECT external_id FROM roster_private.ldap_waiting($1, $2) AS external_id
