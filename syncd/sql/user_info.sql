SELECT state, groups, attributes FROM roster_private.read_user_info($1, $2)
