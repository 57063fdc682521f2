-- Public views: what is stated, and what holds. All read facts only, so they work on a standby.

CREATE VIEW roster.identity_managers AS
SELECT i.iam, i.kind, i.display_name, i.enabled, i.case_sensitive, i.created_at, i.options,
       ARRAY(SELECT d.permission FROM roster_private.default_permission d WHERE d.iam_id = i.iam_id ORDER BY d.permission COLLATE "C") AS default_permissions
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
