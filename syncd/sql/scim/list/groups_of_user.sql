(SELECT u.groups FROM roster_private.scim_users u WHERE u.source_id = $1 AND u.rid = page.rid)
