-- The yardstick of the first synchronisation: the same rows by COPY into unlogged tables, and from there into tables
-- with the same keys, checks and indexes.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS yardstick, yardstick_staging CASCADE;
CREATE SCHEMA yardstick;
CREATE SCHEMA yardstick_staging;

CREATE UNLOGGED TABLE yardstick_staging.app_user AS TABLE roster_private.app_user WITH NO DATA;
CREATE TABLE yardstick.app_user (LIKE roster_private.app_user INCLUDING ALL);
\copy yardstick_staging.app_user FROM 'app_user.copy'
INSERT INTO yardstick.app_user SELECT * FROM yardstick_staging.app_user;

CREATE UNLOGGED TABLE yardstick_staging.user_claim AS TABLE roster_private.user_claim WITH NO DATA;
CREATE TABLE yardstick.user_claim (LIKE roster_private.user_claim INCLUDING ALL);
\copy yardstick_staging.user_claim FROM 'user_claim.copy'
INSERT INTO yardstick.user_claim SELECT * FROM yardstick_staging.user_claim;

CREATE UNLOGGED TABLE yardstick_staging.app_group AS TABLE roster_private.app_group WITH NO DATA;
CREATE TABLE yardstick.app_group (LIKE roster_private.app_group INCLUDING ALL);
\copy yardstick_staging.app_group FROM 'app_group.copy'
INSERT INTO yardstick.app_group SELECT * FROM yardstick_staging.app_group;

CREATE UNLOGGED TABLE yardstick_staging.group_claim AS TABLE roster_private.group_claim WITH NO DATA;
CREATE TABLE yardstick.group_claim (LIKE roster_private.group_claim INCLUDING ALL);
\copy yardstick_staging.group_claim FROM 'group_claim.copy'
INSERT INTO yardstick.group_claim SELECT * FROM yardstick_staging.group_claim;

CREATE UNLOGGED TABLE yardstick_staging.membership AS TABLE roster_private.membership WITH NO DATA;
CREATE TABLE yardstick.membership (LIKE roster_private.membership INCLUDING ALL);
\copy yardstick_staging.membership FROM 'membership.copy'
INSERT INTO yardstick.membership SELECT * FROM yardstick_staging.membership;

CREATE UNLOGGED TABLE yardstick_staging.nesting AS TABLE roster_private.nesting WITH NO DATA;
CREATE TABLE yardstick.nesting (LIKE roster_private.nesting INCLUDING ALL);
\copy yardstick_staging.nesting FROM 'nesting.copy'
INSERT INTO yardstick.nesting SELECT * FROM yardstick_staging.nesting;

CREATE UNLOGGED TABLE yardstick_staging.user_attribute AS TABLE roster_private.user_attribute WITH NO DATA;
CREATE TABLE yardstick.user_attribute (LIKE roster_private.user_attribute INCLUDING ALL);
\copy yardstick_staging.user_attribute FROM 'user_attribute.copy'
INSERT INTO yardstick.user_attribute SELECT * FROM yardstick_staging.user_attribute;

CREATE UNLOGGED TABLE yardstick_staging.group_attribute AS TABLE roster_private.group_attribute WITH NO DATA;
CREATE TABLE yardstick.group_attribute (LIKE roster_private.group_attribute INCLUDING ALL);
\copy yardstick_staging.group_attribute FROM 'group_attribute.copy'
INSERT INTO yardstick.group_attribute SELECT * FROM yardstick_staging.group_attribute;

CREATE UNLOGGED TABLE yardstick_staging.group_closure AS TABLE roster_private.group_closure WITH NO DATA;
CREATE TABLE yardstick.group_closure (LIKE roster_private.group_closure INCLUDING ALL);
\copy yardstick_staging.group_closure FROM 'group_closure.copy'
INSERT INTO yardstick.group_closure SELECT * FROM yardstick_staging.group_closure;

CREATE UNLOGGED TABLE yardstick_staging.group_effective AS TABLE roster_private.group_effective WITH NO DATA;
CREATE TABLE yardstick.group_effective (LIKE roster_private.group_effective INCLUDING ALL);
\copy yardstick_staging.group_effective FROM 'group_effective.copy'
INSERT INTO yardstick.group_effective SELECT * FROM yardstick_staging.group_effective;
