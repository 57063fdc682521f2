-- The extension, and a login for the daemon that may do what the daemon needs and nothing else.
-- psql variable: password. Safe to run again.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_roster;

SELECT 'CREATE ROLE syncd_demo LOGIN' WHERE to_regrole('syncd_demo') IS NULL
\gexec
ALTER ROLE syncd_demo PASSWORD :'password';
GRANT roster_syncd TO syncd_demo;
