r.rid IN (SELECT l.group_rid FROM roster_private.scim_members l WHERE ({condition}) AND l.source_id = $1)
