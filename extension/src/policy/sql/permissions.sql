SELECT e.permission FROM roster.effective_permissions e WHERE e.user_id OPERATOR(pg_catalog.=) $1
