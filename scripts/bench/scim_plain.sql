-- Plain tables for scim_plain.pgbench, as large and as indexed as the product's.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE SEQUENCE yardstick.run_id START 1000000000;
CREATE SEQUENCE yardstick.user_id START 1000000000;
CREATE SEQUENCE yardstick.number START 500000000;
CREATE TABLE yardstick.run (LIKE roster_private.run INCLUDING ALL);
CREATE TABLE yardstick.app_user (LIKE roster_private.app_user INCLUDING ALL);
CREATE TABLE yardstick.user_claim (LIKE roster_private.user_claim INCLUDING ALL);
CREATE TABLE yardstick.user_attribute (LIKE roster_private.user_attribute INCLUDING ALL);
CREATE TABLE yardstick.scim_user (LIKE roster_private.scim_user INCLUDING ALL);
INSERT INTO yardstick.app_user SELECT * FROM roster_private.app_user ORDER BY user_id;
INSERT INTO yardstick.user_claim SELECT * FROM roster_private.user_claim ORDER BY source_id, key;
INSERT INTO yardstick.user_attribute SELECT * FROM roster_private.user_attribute ORDER BY user_id, name, value;
INSERT INTO yardstick.scim_user SELECT * FROM roster_private.scim_user ORDER BY rid;
VACUUM ANALYZE;
CHECKPOINT;
