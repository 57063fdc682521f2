SELECT source, kind FROM roster.sources WHERE kind IN ('ldap', 'scim', 'table', 'endpoint') ORDER BY source COLLATE "C"
