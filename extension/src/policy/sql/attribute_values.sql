SELECT e.value FROM roster.effective_attributes e
WHERE e.user_id OPERATOR(pg_catalog.=) $1 AND e.name OPERATOR(pg_catalog.=) $2
