SELECT source, kind FROM roster.sources WHERE kind IN ('ldap', 'scim', 'table', 'endpoint', 'push') ORDER BY source COLLATE "C"
