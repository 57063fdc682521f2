SELECT l.value
FROM roster_private.scim_members l
WHERE ({condition})
  AND l.source_id = $1
  AND l.group_rid = (SELECT g.rid FROM roster_private.scim_groups g WHERE g.source_id = $1 AND g.id = {group})
