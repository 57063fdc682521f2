SELECT u.rid, u.id, u.version, u.created_at, u.modified_at, u.document, u.groups
FROM roster_private.scim_users u
WHERE u.source_id = $1 AND u.id = $2
