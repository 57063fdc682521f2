SELECT u.user_id, u.username, i.iam
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id OPERATOR(pg_catalog.=) u.iam_id
WHERE u.active AND u.user_id OPERATOR(pg_catalog.=) $1
