-- A fresh database with the extension, and a login for the daemon.
-- psql variable: password.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP DATABASE IF EXISTS bench WITH (FORCE);
CREATE DATABASE bench;
\connect bench
SET client_min_messages = warning;
CREATE EXTENSION pg_roster;

SELECT 'CREATE ROLE syncd_bench LOGIN' WHERE to_regrole('syncd_bench') IS NULL
\gexec
ALTER ROLE syncd_bench PASSWORD :'password';
GRANT roster_syncd TO syncd_bench;
-- Says where the time of a synchronisation goes; costs next to nothing with few and long calls.
ALTER ROLE syncd_bench SET track_functions = 'pl';
