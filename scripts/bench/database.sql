-- A fresh database with the extension, and a login for the daemon.
-- psql variables: name, password.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
CREATE DATABASE :"name";
\connect :name
SET client_min_messages = warning;
CREATE EXTENSION pg_roster;

SELECT 'CREATE ROLE syncd_bench LOGIN' WHERE to_regrole('syncd_bench') IS NULL
\gexec
-- What somebody set to look closer is not to be measured.
ALTER ROLE syncd_bench RESET ALL;
ALTER ROLE syncd_bench PASSWORD :'password';
GRANT roster_syncd TO syncd_bench;
