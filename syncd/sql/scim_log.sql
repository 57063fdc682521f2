SELECT logged_at, iam, source, label, method, path, status, scim_type, reason, shape, count
FROM roster.scim_log
WHERE ($1::text IS NULL OR source = $1)
  AND ($2::text IS NULL OR iam = $2)
  AND ($3::float8 IS NULL OR logged_at > statement_timestamp() - make_interval(secs => $3))
ORDER BY logged_at DESC
LIMIT $4
