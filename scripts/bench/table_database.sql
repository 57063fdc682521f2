-- A database of its own. psql variable: name.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :name WITH (FORCE);
CREATE DATABASE :name;
