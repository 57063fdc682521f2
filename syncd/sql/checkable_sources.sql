SELECT source, kind FROM roster.sources WHERE kind = 'ldap' ORDER BY source COLLATE "C"
