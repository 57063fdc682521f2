-- Public views: what is stated, and what holds. All read facts only, so they work on a standby.

CREATE VIEW roster.identity_managers AS
SELECT i.iam, i.kind, i.display_name, i.enabled, i.case_sensitive, i.created_at
FROM roster_private.iam i WHERE i.dropped_at IS NULL;

CREATE VIEW roster.users AS
SELECT u.user_id, i.iam, u.username, u.external_id, u.display_name, u.email, u.active, u.profile,
       coalesce(c.at, c.begun) AS created_at, coalesce(r.at, r.begun) AS updated_at
FROM roster_private.app_user u
JOIN roster_private.iam i USING (iam_id)
LEFT JOIN roster_private.run c ON c.run_id = u.created_run
LEFT JOIN roster_private.run r ON r.run_id = u.opened_run;

CREATE VIEW roster.groups AS
SELECT g.group_id, i.iam, g.group_name, g.external_id, g.display_name, g.profile,
       coalesce(c.at, c.begun) AS created_at, coalesce(r.at, r.begun) AS updated_at
FROM roster_private.app_group g
JOIN roster_private.iam i USING (iam_id)
LEFT JOIN roster_private.run c ON c.run_id = g.created_run
LEFT JOIN roster_private.run r ON r.run_id = g.opened_run
WHERE g.active;

CREATE VIEW roster.memberships AS
SELECT i.iam, g.group_name, 'user' AS member_kind, u.username AS member_name, s.source, coalesce(r.at, r.begun) AS since,
       m.valid_from, m.valid_until, m.group_id, m.user_id AS member_id
FROM roster_private.membership m
JOIN roster_private.app_group g ON g.group_id = m.group_id AND g.active
JOIN roster_private.app_user u ON u.user_id = m.user_id
JOIN roster_private.iam i ON i.iam_id = g.iam_id
JOIN roster_private.source s ON s.source_id = m.source_id
LEFT JOIN roster_private.run r ON r.run_id = m.opened_run
UNION ALL
SELECT i.iam, g.group_name, 'group', h.group_name, s.source, coalesce(r.at, r.begun), NULL, NULL, n.parent_id, n.child_id
FROM roster_private.nesting n
JOIN roster_private.app_group g ON g.group_id = n.parent_id AND g.active
JOIN roster_private.app_group h ON h.group_id = n.child_id AND h.active
JOIN roster_private.iam i ON i.iam_id = g.iam_id
JOIN roster_private.source s ON s.source_id = n.source_id
LEFT JOIN roster_private.run r ON r.run_id = n.opened_run;

CREATE VIEW roster.user_attributes AS
SELECT i.iam, u.username AS owner, a.name, a.value, s.source, coalesce(r.at, r.begun) AS since, a.valid_from, a.valid_until
FROM roster_private.user_attribute a
JOIN roster_private.app_user u ON u.user_id = a.user_id
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.source s ON s.source_id = a.source_id
LEFT JOIN roster_private.run r ON r.run_id = a.opened_run;

CREATE VIEW roster.group_attributes AS
SELECT i.iam, g.group_name AS owner, a.name, a.value, s.source, coalesce(r.at, r.begun) AS since, a.valid_from, a.valid_until
FROM roster_private.group_attribute a
JOIN roster_private.app_group g ON g.group_id = a.group_id AND g.active
JOIN roster_private.iam i ON i.iam_id = g.iam_id
JOIN roster_private.source s ON s.source_id = a.source_id
LEFT JOIN roster_private.run r ON r.run_id = a.opened_run;

CREATE VIEW roster.effective_groups AS
SELECT u.user_id, i.iam, u.username, g.group_name, min(c.depth) = 0 AS direct, min(c.depth) + 1 AS depth
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.membership m ON m.user_id = u.user_id
    AND (m.valid_from IS NULL OR m.valid_from <= statement_timestamp())
    AND (m.valid_until IS NULL OR m.valid_until > statement_timestamp())
JOIN roster_private.group_closure c ON c.group_id = m.group_id
JOIN roster_private.app_group g ON g.group_id = c.ancestor_id
WHERE u.active
GROUP BY u.user_id, i.iam, u.username, g.group_name;

-- UNION, not UNION ALL over DISTINCT: conditions on any column reach the indexes of both branches.
CREATE VIEW roster.effective_attributes AS
SELECT u.user_id, i.iam, u.username, a.name, a.value
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.user_attribute a ON a.user_id = u.user_id
    AND (a.valid_from IS NULL OR a.valid_from <= statement_timestamp())
    AND (a.valid_until IS NULL OR a.valid_until > statement_timestamp())
WHERE u.active
UNION
SELECT u.user_id, i.iam, u.username, e.name, e.value
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.membership m ON m.user_id = u.user_id
    AND (m.valid_from IS NULL OR m.valid_from <= statement_timestamp())
    AND (m.valid_until IS NULL OR m.valid_until > statement_timestamp())
JOIN roster_private.group_effective e ON e.group_id = m.group_id
    AND (e.valid_from IS NULL OR e.valid_from <= statement_timestamp())
    AND (e.valid_until IS NULL OR e.valid_until > statement_timestamp())
WHERE u.active;

CREATE VIEW roster.attribute_origins AS
SELECT u.user_id, i.iam, u.username, a.name, a.value, 'user' AS origin, NULL::text AS group_name, '{}'::text[] AS path,
       s.source, coalesce(r.at, r.begun) AS since, true AS wins, false AS stale
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.user_attribute a ON a.user_id = u.user_id
    AND (a.valid_from IS NULL OR a.valid_from <= statement_timestamp())
    AND (a.valid_until IS NULL OR a.valid_until > statement_timestamp())
JOIN roster_private.source s ON s.source_id = a.source_id
LEFT JOIN roster_private.run r ON r.run_id = a.opened_run
WHERE u.active
UNION ALL
SELECT u.user_id, i.iam, u.username, e.name, e.value, 'group', g.group_name, roster_private.group_path(e.group_id, e.carrier_id),
       s.source, coalesce(r.at, r.begun), true, false
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
-- Two sources may state the same membership: the group is joined once.
JOIN LATERAL (SELECT DISTINCT m.group_id FROM roster_private.membership m
              WHERE m.user_id = u.user_id
                AND (m.valid_from IS NULL OR m.valid_from <= statement_timestamp())
                AND (m.valid_until IS NULL OR m.valid_until > statement_timestamp())) m ON true
JOIN roster_private.group_effective e ON e.group_id = m.group_id
    AND (e.valid_from IS NULL OR e.valid_from <= statement_timestamp())
    AND (e.valid_until IS NULL OR e.valid_until > statement_timestamp())
JOIN roster_private.app_group g ON g.group_id = e.carrier_id
JOIN roster_private.source s ON s.source_id = e.source_id
LEFT JOIN roster_private.run r ON r.run_id = e.opened_run
WHERE u.active;

CREATE VIEW roster.user_profiles AS
SELECT u.user_id, i.iam, u.username, u.display_name, u.email, u.active, u.profile,
       '{}'::jsonb AS platforms,
       coalesce((SELECT array_agg(DISTINCT e.group_name COLLATE "C" ORDER BY e.group_name COLLATE "C")
                 FROM roster.effective_groups e WHERE e.user_id = u.user_id), '{}') AS groups,
       coalesce((SELECT jsonb_object_agg(n.name, n.vals ORDER BY n.name COLLATE "C")
                 FROM (SELECT e.name, jsonb_agg(e.value ORDER BY e.value COLLATE "C") AS vals
                       FROM roster.effective_attributes e WHERE e.user_id = u.user_id GROUP BY e.name) n), '{}') AS attributes,
       '{}'::text[] AS permissions
FROM roster_private.app_user u JOIN roster_private.iam i USING (iam_id);
