-- Who reads there, and whether the account could write (to the relation, when one is read).
SELECT
    current_setting('server_version') AS server,
    current_user::text AS account,
    r.rolsuper AS is_superuser,
    coalesce((SELECT s.ssl FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_backend_pid()), false) AS encrypted,
    coalesce((
        SELECT has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE')
        FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass($1::text)), false) AS may_write
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = current_user
