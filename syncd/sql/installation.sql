SELECT
    (SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'pg_roster') AS extension,
    to_regnamespace('roster_private') IS NOT NULL AS has_schema,
    coalesce((SELECT pg_has_role(r.oid, 'USAGE') FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'roster_syncd'), false)
        AS may_sync,
    current_setting('server_version') AS server,
    current_user::text AS role
