SELECT source, kind FROM roster.sources WHERE kind IN ('ldap', 'scim') ORDER BY source COLLATE "C"
