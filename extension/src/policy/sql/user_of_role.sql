-- What roster.platform_users says of platform postgres, asked for one role, by index, and planned once per session.
-- Two rows: the name is claimed twice and resolves to nobody.
SELECT u.user_id, u.username, i.iam
FROM roster_private.platform_username n
JOIN roster_private.app_user u ON u.user_id OPERATOR(pg_catalog.=) n.user_id AND u.active
JOIN roster_private.iam i ON i.iam_id OPERATOR(pg_catalog.=) u.iam_id
WHERE n.platform OPERATOR(pg_catalog.=) 'postgres' AND n.state OPERATOR(pg_catalog.=) 'value'
  AND n.platform_username OPERATOR(pg_catalog.=) $1
UNION ALL
SELECT u.user_id, u.username, i.iam
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id OPERATOR(pg_catalog.=) u.iam_id
WHERE u.username OPERATOR(pg_catalog.=) $1 AND u.active
  -- Users of "builtin" (1) are called by their username, others where a rule says so.
  AND u.iam_id OPERATOR(pg_catalog.=) ANY (coalesce((SELECT r.fallback_ids FROM roster_private.platform_rule r
                                                     WHERE r.platform OPERATOR(pg_catalog.=) 'postgres'), ARRAY[1]))
  AND NOT EXISTS (SELECT FROM roster_private.platform_username n
                  WHERE n.user_id OPERATOR(pg_catalog.=) u.user_id AND n.platform OPERATOR(pg_catalog.=) 'postgres')
LIMIT 2
