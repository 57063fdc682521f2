SELECT u.user_id, u.username, i.iam
FROM roster_private.iam i
JOIN roster_private.app_user u ON u.iam_id OPERATOR(pg_catalog.=) i.iam_id
    AND u.username_key OPERATOR(pg_catalog.=) roster_private.name_key($1, i.case_sensitive)
WHERE u.active AND i.dropped_at IS NULL
  AND i.iam OPERATOR(pg_catalog.=) CASE WHEN $2 OPERATOR(pg_catalog.=) 'bim' THEN 'builtin' ELSE $2 END
