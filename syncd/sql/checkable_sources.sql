SELECT source, kind FROM roster.sources WHERE kind IN ('ldap', 'scim', 'push') ORDER BY source COLLATE "C"
