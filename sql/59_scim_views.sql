-- SCIM: what the daemon reads. Every view names the source first: a request asks for its own, and nothing else.

CREATE VIEW roster_private.scim_user_groups AS
SELECT u.source_id, u.rid AS user_rid, g.scim_id AS value, g.document ->> 'displayName' AS display,
       CASE WHEN min(c.depth) = 0 THEN 'direct' ELSE 'indirect' END AS type
FROM roster_private.scim_user u
JOIN roster_private.membership m ON m.user_id = u.user_id AND m.source_id = u.source_id
JOIN roster_private.group_closure c ON c.group_id = m.group_id
JOIN roster_private.scim_group g ON g.group_id = c.ancestor_id AND g.source_id = u.source_id
GROUP BY u.source_id, u.rid, g.rid;
COMMENT ON VIEW roster_private.scim_user_groups IS 'Groups of a user, all of one source: direct, or indirect through nesting.';

CREATE VIEW roster_private.scim_users AS
SELECT u.source_id, u.rid, u.scim_id AS id, u.version, u.created_at, u.modified_at, u.document, u.search,
       (SELECT jsonb_agg(jsonb_build_object('value', g.value, 'display', g.display, 'type', g.type) ORDER BY g.display COLLATE "C", g.value)
        FROM roster_private.scim_user_groups g WHERE g.user_rid = u.rid) AS groups
FROM roster_private.scim_user u;
COMMENT ON VIEW roster_private.scim_users IS 'User resources; groups is looked up only where it is asked for.';

CREATE VIEW roster_private.scim_groups AS
SELECT g.source_id, g.rid, g.scim_id AS id, g.version, g.created_at, g.modified_at, g.document, g.search
FROM roster_private.scim_group g;
COMMENT ON VIEW roster_private.scim_groups IS 'Group resources.';

CREATE VIEW roster_private.scim_members AS
SELECT g.source_id, g.rid AS group_rid, u.rid AS member_rid, 'User' AS kind, u.scim_id AS value,
       coalesce(u.document ->> 'displayName', u.document ->> 'userName') AS display
FROM roster_private.scim_group g
JOIN roster_private.membership m ON m.group_id = g.group_id AND m.source_id = g.source_id
JOIN roster_private.scim_user u ON u.user_id = m.user_id AND u.source_id = g.source_id
UNION ALL
SELECT g.source_id, g.rid, h.rid, 'Group', h.scim_id, h.document ->> 'displayName'
FROM roster_private.scim_group g
JOIN roster_private.nesting n ON n.parent_id = g.group_id AND n.source_id = g.source_id
JOIN roster_private.scim_group h ON h.group_id = n.child_id AND h.source_id = g.source_id
UNION ALL
-- Members of a group that the source does not take: the provider still sees what it said.
SELECT g.source_id, g.rid, u.rid, 'User', u.scim_id, coalesce(u.document ->> 'displayName', u.document ->> 'userName')
FROM roster_private.scim_group g
JOIN roster_private.scim_pending p ON p.group_rid = g.rid AND p.source_id = g.source_id
JOIN roster_private.scim_user u ON u.scim_id = p.scim_id AND u.source_id = g.source_id
WHERE g.group_id IS NULL
UNION ALL
SELECT g.source_id, g.rid, h.rid, 'Group', h.scim_id, h.document ->> 'displayName'
FROM roster_private.scim_group g
JOIN roster_private.scim_pending p ON p.group_rid = g.rid AND p.source_id = g.source_id
JOIN roster_private.scim_group h ON h.scim_id = p.scim_id AND h.source_id = g.source_id
WHERE g.group_id IS NULL OR h.group_id IS NULL;
COMMENT ON VIEW roster_private.scim_members IS 'Direct members of groups, of the same source.';
