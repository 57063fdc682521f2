-- Roles and memberships of roles that a program has made.
SELECT (SELECT count(*) FROM pg_roles r WHERE r.rolname !~ '^(pg_|ldap_)' AND r.rolname <> 'postgres'),
       (SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE r.rolname !~ '^(pg_|ldap_)');
