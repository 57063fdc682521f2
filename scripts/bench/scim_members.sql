-- Fills the groups and names their ids: as many of the first users as told, all at once as a provider's list.
-- psql variables: group_name, members.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SELECT g.scim_id AS id FROM roster_private.scim_group g WHERE g.document ->> 'displayName' = :'group_name' \gset
SELECT roster_private.scim_put_group(t.source_id, 'bench', :'id', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, false,
    ARRAY(SELECT u.scim_id::text FROM roster_private.scim_user u ORDER BY u.rid LIMIT :members), '{}', '{}', false)
FROM yardstick.template t \g /dev/null
SELECT :'id';
