SELECT g.rid, g.id, g.version, g.created_at, g.modified_at, g.document, NULL::jsonb AS groups
FROM roster_private.scim_groups g
WHERE g.source_id = $1 AND g.id = $2
