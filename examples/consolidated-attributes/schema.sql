-- The consolidated table: one row per user, attribute and value, whichever system it came from.
CREATE SCHEMA IF NOT EXISTS hub;
CREATE TABLE IF NOT EXISTS hub.attributes (
    system     text NOT NULL,
    username   text NOT NULL,
    attribute  text NOT NULL,
    value      text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (system, username, attribute, value)
);
-- What changed lately, and what else its user has.
CREATE INDEX IF NOT EXISTS attributes_updated ON hub.attributes (updated_at);
CREATE INDEX IF NOT EXISTS attributes_username ON hub.attributes (username);
