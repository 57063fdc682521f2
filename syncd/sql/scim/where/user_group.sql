r.rid IN (SELECT l.user_rid FROM roster_private.scim_user_groups l WHERE ({condition}) AND l.source_id = $1)
