SELECT s.group_rid, s.kind, s.value, s.display
FROM roster_private.scim_members s
WHERE s.source_id = $1 AND s.group_rid = (SELECT g.rid FROM roster_private.scim_groups g WHERE g.source_id = $1 AND g.id = $2)
LIMIT $3
