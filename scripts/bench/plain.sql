-- Plain tables for plain.pgbench, as large and as indexed as the product's.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS yardstick CASCADE;
CREATE SCHEMA yardstick;
CREATE SEQUENCE yardstick.run_id;
CREATE TABLE yardstick.run (LIKE roster_private.run INCLUDING ALL);
CREATE TABLE yardstick.membership (LIKE roster_private.membership INCLUDING ALL);
CREATE TABLE yardstick.membership_history (LIKE roster_private.membership_history INCLUDING ALL);
INSERT INTO yardstick.membership SELECT * FROM roster_private.membership ORDER BY user_id, group_id, source_id;
VACUUM ANALYZE yardstick.membership;
CHECKPOINT;
