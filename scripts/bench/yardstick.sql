-- Empty twins of the tables that a first synchronisation fills: one without indexes to copy into, one with all of them.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS yardstick CASCADE;
CREATE SCHEMA yardstick;
SELECT format('CREATE UNLOGGED TABLE yardstick.copied_%1$s (LIKE roster_private.%1$s)', t),
       format('CREATE TABLE yardstick.%1$s (LIKE roster_private.%1$s INCLUDING ALL)', t)
FROM unnest(ARRAY['app_user', 'app_group', 'membership', 'nesting', 'user_attribute', 'group_attribute', 'user_claim',
                  'group_claim', 'group_closure', 'group_effective']) AS t
\gexec
CHECKPOINT;
