SELECT e.group_name FROM roster.effective_groups e WHERE e.user_id OPERATOR(pg_catalog.=) $1
