-- Users, made by a source of their own, and a table with five attributes for each. psql variable: users.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION pg_roster;
CREATE SCHEMA hr;
CREATE TABLE hr.people AS SELECT 'user' || i AS username FROM generate_series(1, :users) i;
CREATE TABLE hr.attributes AS
SELECT 'user' || i AS username, 'attribute' || a AS attribute, 'value ' || (i * 7919::bigint + a) % 1000 AS value, now() - interval '1 day' AS updated_at
FROM generate_series(1, :users) i, generate_series(1, 5) a;
CREATE INDEX ON hr.attributes (username);
CREATE INDEX ON hr.attributes (updated_at);
ANALYZE hr.people, hr.attributes;
SELECT roster.create_source('people', iam => 'builtin', kind => 'table', config => '{
  "query": "SELECT username, NULL::text AS nothing FROM hr.people", "format": "wide", "user_column": "username", "create_users": true}');
SELECT roster.sync_table_now('people');
SELECT roster.create_source('hr', iam => 'builtin', kind => 'table', config => '{
  "relation": "hr.attributes", "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value"}');
SELECT roster.create_source('stamped', iam => 'builtin', kind => 'table', config => '{
  "relation": "hr.attributes", "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value",
  "updated_at_column": "updated_at", "prefix": "stamped"}');
CREATE TABLE hr.plain (LIKE roster_private.user_attribute);
CREATE UNIQUE INDEX ON hr.plain (user_id, name, (md5(value)::uuid), source_id);
CREATE INDEX ON hr.plain (opened_run);
VACUUM ANALYZE;
