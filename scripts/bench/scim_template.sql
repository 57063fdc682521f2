-- What has become of the one user that was sent over HTTP: the others are made in its likeness.
\set ON_ERROR_STOP on
CREATE SCHEMA yardstick;
CREATE TABLE yardstick.template AS
SELECT r.source_id, u.iam_id, r.document::text AS document, r.search::text AS search, u.username, u.external_id, u.display_name, u.email,
       u.profile::text AS profile, a.names, a.values
FROM roster_private.scim_user r
JOIN roster_private.app_user u USING (user_id),
LATERAL (SELECT array_agg(a.name ORDER BY a.name) AS names, array_agg(a.value ORDER BY a.name) AS values
         FROM roster_private.user_attribute a WHERE a.user_id = u.user_id) a;

-- The same as numbered() in scim.lua.
CREATE FUNCTION yardstick.numbered(p_text text, p_number bigint) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN replace(replace(p_text, '77777', lpad((p_number % 250)::text, 5, '0')), '000000000', lpad(p_number::text, 9, '0'));
