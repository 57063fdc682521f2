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

CREATE TYPE roster_private.scim_member AS (group_rid bigint, kind text, value uuid, display text);
COMMENT ON TYPE roster_private.scim_member IS 'A member of a group, as in scim_members.';

-- Cut before it is joined: the view would look up all of a large group first. By index alone: what the planner knows of
-- groups is their average, and both a scan and a bitmap of a group of a hundred thousand cost more than all the rest.
CREATE FUNCTION roster_private.scim_few_members(p_source_id integer, p_scim_id uuid, p_limit bigint) RETURNS SETOF roster_private.scim_member
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    SET enable_seqscan = off SET enable_bitmapscan = off
    AS $$
DECLARE
    v_group scim_group;
BEGIN
    SELECT g.* INTO v_group FROM scim_group g WHERE g.source_id = p_source_id AND g.scim_id = p_scim_id;
    IF EXISTS (SELECT FROM scim_pending p WHERE p.group_rid = v_group.rid) THEN
        RETURN QUERY SELECT s.group_rid, s.kind, s.value, s.display FROM scim_members s
            WHERE s.source_id = p_source_id AND s.group_rid = v_group.rid LIMIT p_limit;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT v_group.rid, 'User', u.scim_id, coalesce(u.document ->> 'displayName', u.document ->> 'userName')
        FROM (SELECT m.user_id FROM membership m WHERE m.group_id = v_group.group_id AND m.source_id = p_source_id LIMIT p_limit) m
        JOIN scim_user u ON u.user_id = m.user_id AND u.source_id = p_source_id;
    RETURN QUERY
        SELECT v_group.rid, 'Group', h.scim_id, h.document ->> 'displayName'
        FROM (SELECT n.child_id FROM nesting n WHERE n.parent_id = v_group.group_id AND n.source_id = p_source_id LIMIT p_limit) n
        JOIN scim_group h ON h.group_id = n.child_id AND h.source_id = p_source_id;
END $$;
COMMENT ON FUNCTION roster_private.scim_few_members IS 'Members of a group for the answer to a change: all of them, or more than p_limit - 1 if there are so many.';
