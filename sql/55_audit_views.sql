-- Public views: how it came to be. Changes are read off the facts and their history: they cannot disagree.

-- Names as they are now, or were last.
CREATE VIEW roster_private.any_user AS
SELECT u.user_id, u.iam_id, u.username FROM roster_private.app_user u
UNION ALL
SELECT h.user_id, h.iam_id, h.username FROM roster_private.app_user_history h WHERE h.ended;
COMMENT ON VIEW roster_private.any_user IS 'Every user that is or was, with the last name.';

CREATE VIEW roster_private.any_group AS
SELECT g.group_id, g.iam_id, g.group_name FROM roster_private.app_group g
UNION ALL
SELECT h.group_id, h.iam_id, h.group_name FROM roster_private.app_group_history h WHERE h.ended;
COMMENT ON VIEW roster_private.any_group IS 'Every group that is or was, with the last name.';

CREATE VIEW roster_private.user_version AS
SELECT u.user_id, u.iam_id, u.source_id, u.username, u.external_id, u.display_name, u.email, u.profile, u.active, u.version, u.opened_run, u.opened_no
FROM roster_private.app_user u
UNION ALL
SELECT h.user_id, h.iam_id, h.source_id, h.username, h.external_id, h.display_name, h.email, h.profile, h.active, h.version, h.opened_run, h.opened_no
FROM roster_private.app_user_history h;
COMMENT ON VIEW roster_private.user_version IS 'Every version of every user.';

CREATE VIEW roster_private.group_version AS
SELECT g.group_id, g.iam_id, g.source_id, g.group_name, g.external_id, g.display_name, g.profile, g.active, g.version, g.opened_run, g.opened_no
FROM roster_private.app_group g
UNION ALL
SELECT h.group_id, h.iam_id, h.source_id, h.group_name, h.external_id, h.display_name, h.profile, h.active, h.version, h.opened_run, h.opened_no
FROM roster_private.app_group_history h;
COMMENT ON VIEW roster_private.group_version IS 'Every version of every group.';

-- By ids, so that it can be read by run and ordinal without looking at anybody else: the filters reach every table. subject and
-- iam_id NULL = those that user_id or group_id has, or had last.
CREATE VIEW roster_private.stated_event AS
SELECT v.opened_run AS run_id, v.opened_no AS no,
       CASE WHEN p.user_id IS NULL OR v.active AND NOT p.active THEN 'add'
            WHEN p.active AND NOT v.active THEN 'remove' ELSE 'change' END AS change,
       'user' AS kind, v.iam_id, v.user_id, NULL::bigint AS group_id, NULL::bigint AS child_id, v.username AS subject, NULL::text AS name,
       CASE WHEN p.user_id IS NOT NULL THEN roster_private.user_document(p.username, p.external_id, p.display_name, p.email, p.active, p.profile) END AS before,
       roster_private.user_document(v.username, v.external_id, v.display_name, v.email, v.active, v.profile) AS after,
       v.source_id
FROM roster_private.user_version v
LEFT JOIN roster_private.app_user_history p ON p.user_id = v.user_id AND p.version = v.version - 1
UNION ALL
SELECT h.closed_run, h.closed_no, 'remove', 'user', h.iam_id, h.user_id, NULL, NULL, h.username, NULL,
       roster_private.user_document(h.username, h.external_id, h.display_name, h.email, h.active, h.profile), NULL, h.source_id
FROM roster_private.app_user_history h WHERE h.ended
UNION ALL
SELECT v.opened_run, v.opened_no,
       CASE WHEN p.group_id IS NULL OR v.active AND NOT p.active THEN 'add'
            WHEN p.active AND NOT v.active THEN 'remove' ELSE 'change' END,
       'group', v.iam_id, NULL, v.group_id, NULL, v.group_name, NULL,
       CASE WHEN p.active THEN roster_private.group_document(p.group_name, p.external_id, p.display_name, p.profile) END,
       CASE WHEN v.active THEN roster_private.group_document(v.group_name, v.external_id, v.display_name, v.profile) END, v.source_id
FROM roster_private.group_version v
LEFT JOIN roster_private.app_group_history p ON p.group_id = v.group_id AND p.version = v.version - 1
UNION ALL
SELECT h.closed_run, h.closed_no, 'remove', 'group', h.iam_id, NULL, h.group_id, NULL, h.group_name, NULL,
       roster_private.group_document(h.group_name, h.external_id, h.display_name, h.profile), NULL, h.source_id
FROM roster_private.app_group_history h WHERE h.ended AND h.active
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'membership', NULL, f.user_id, f.group_id, NULL, NULL, NULL,
       NULL, roster_private.window_document(f.valid_from, f.valid_until), f.source_id
FROM roster_private.membership f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'membership', NULL, f.user_id, f.group_id, NULL, NULL, NULL,
       NULL, roster_private.window_document(f.valid_from, f.valid_until), f.source_id
FROM roster_private.membership_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'membership', NULL, f.user_id, f.group_id, NULL, NULL, NULL,
       roster_private.window_document(f.valid_from, f.valid_until), NULL, f.source_id
FROM roster_private.membership_history f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'nesting', NULL, NULL, f.parent_id, f.child_id, NULL, NULL,
       NULL, NULL::jsonb, f.source_id
FROM roster_private.nesting f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'nesting', NULL, NULL, f.parent_id, f.child_id, NULL, NULL,
       NULL, NULL::jsonb, f.source_id
FROM roster_private.nesting_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'nesting', NULL, NULL, f.parent_id, f.child_id, NULL, NULL,
       NULL::jsonb, NULL, f.source_id
FROM roster_private.nesting_history f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'user_attribute', NULL, f.user_id, NULL, NULL, NULL, f.name,
       NULL, to_jsonb(f.value), f.source_id
FROM roster_private.user_attribute f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'user_attribute', NULL, f.user_id, NULL, NULL, NULL, f.name,
       NULL, to_jsonb(f.value), f.source_id
FROM roster_private.user_attribute_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'user_attribute', NULL, f.user_id, NULL, NULL, NULL, f.name,
       to_jsonb(f.value), NULL, f.source_id
FROM roster_private.user_attribute_history f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'group_attribute', NULL, NULL, f.group_id, NULL, NULL, f.name,
       NULL, to_jsonb(f.value), f.source_id
FROM roster_private.group_attribute f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'group_attribute', NULL, NULL, f.group_id, NULL, NULL, f.name,
       NULL, to_jsonb(f.value), f.source_id
FROM roster_private.group_attribute_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'group_attribute', NULL, NULL, f.group_id, NULL, NULL, f.name,
       to_jsonb(f.value), NULL, f.source_id
FROM roster_private.group_attribute_history f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'permission', NULL, f.user_id, NULL, NULL, NULL, f.permission,
       NULL, jsonb_strip_nulls(jsonb_build_object('origin', f.origin, 'valid_from', f.valid_from, 'valid_until', f.valid_until)), f.source_id
FROM roster_private.user_permission f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'permission', NULL, f.user_id, NULL, NULL, NULL, f.permission,
       NULL, jsonb_strip_nulls(jsonb_build_object('origin', f.origin, 'valid_from', f.valid_from, 'valid_until', f.valid_until)), f.source_id
FROM roster_private.user_permission_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'permission', NULL, f.user_id, NULL, NULL, NULL, f.permission,
       jsonb_strip_nulls(jsonb_build_object('origin', f.origin, 'valid_from', f.valid_from, 'valid_until', f.valid_until)), NULL, f.source_id
FROM roster_private.user_permission_history f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'permission', f.iam_id, NULL, NULL, NULL, f.group_name, f.permission,
       NULL, jsonb_strip_nulls(jsonb_build_object('origin', 'group', 'valid_from', f.valid_from, 'valid_until', f.valid_until)), f.source_id
FROM roster_private.group_permission f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'permission', f.iam_id, NULL, NULL, NULL, f.group_name, f.permission,
       NULL, jsonb_strip_nulls(jsonb_build_object('origin', 'group', 'valid_from', f.valid_from, 'valid_until', f.valid_until)), f.source_id
FROM roster_private.group_permission_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'permission', f.iam_id, NULL, NULL, NULL, f.group_name, f.permission,
       jsonb_strip_nulls(jsonb_build_object('origin', 'group', 'valid_from', f.valid_from, 'valid_until', f.valid_until)), NULL, f.source_id
FROM roster_private.group_permission_history f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'platform_username', NULL, f.user_id, NULL, NULL, NULL, f.platform,
       NULL, jsonb_build_object('state', f.state, 'platform_username', f.platform_username), f.source_id
FROM roster_private.platform_username f
UNION ALL
SELECT f.opened_run, f.opened_no, 'add', 'platform_username', NULL, f.user_id, NULL, NULL, NULL, f.platform,
       NULL, jsonb_build_object('state', f.state, 'platform_username', f.platform_username), f.source_id
FROM roster_private.platform_username_history f
UNION ALL
SELECT f.closed_run, f.closed_no, 'remove', 'platform_username', NULL, f.user_id, NULL, NULL, NULL, f.platform,
       jsonb_build_object('state', f.state, 'platform_username', f.platform_username), NULL, f.source_id
FROM roster_private.platform_username_history f
UNION ALL
SELECT x.run_id, x.no, x.change, x.kind, x.iam_id, NULL, NULL, NULL, x.subject, x.name, x.before, x.after, r.source_id
FROM roster_private.config_change x JOIN roster_private.run r ON r.run_id = x.run_id;
COMMENT ON VIEW roster_private.stated_event IS 'Every opening and closing of a fact as a change: run and ordinal in it, and by id whom it is about.';

CREATE VIEW roster_private.event AS
SELECT e.run_id, e.no, e.change, e.kind, coalesce(e.iam_id, g.iam_id, u.iam_id) AS iam_id,
       coalesce(e.subject, g.group_name, u.username) AS subject,
       coalesce(e.name, CASE e.kind WHEN 'membership' THEN u.username WHEN 'nesting' THEN c.group_name END) AS name,
       e.before, e.after, e.source_id
FROM roster_private.stated_event e
LEFT JOIN roster_private.any_user u ON u.user_id = e.user_id
LEFT JOIN roster_private.any_group g ON g.group_id = e.group_id
LEFT JOIN roster_private.any_group c ON c.group_id = e.child_id;
COMMENT ON VIEW roster_private.event IS 'Every opening and closing of a fact as a change: run and ordinal in it.';

CREATE VIEW roster.changes AS
SELECT r.first_change_id + e.no - 1 AS change_id, coalesce(r.at, r.begun) AS changed_at, r.actor, s.source,
       CASE WHEN NOT r.single THEN r.run_id END AS run_id, e.change, e.kind, i.iam, e.subject, e.name, e.before, e.after
FROM roster_private.event e
JOIN roster_private.run r ON r.run_id = e.run_id
LEFT JOIN roster_private.source s ON s.source_id = e.source_id
LEFT JOIN roster_private.iam i ON i.iam_id = e.iam_id;

-- What a kept plan lists, as the events that applying it would make.
CREATE VIEW roster_private.planned_event AS
SELECT p.run_id, p.op AS change, p.kind, s.iam_id,
       p.name AS subject, NULL::text AS name,
       CASE WHEN u.user_id IS NOT NULL THEN roster_private.user_document(u.username, u.external_id, u.display_name, u.email, u.active, u.profile) END AS before,
       roster_private.user_document(p.name, p.external_id, p.display_name, p.email, p.active, coalesce(p.profile, '{}')) AS after
FROM roster_private.plan_entity p JOIN roster_private.sync_run r USING (run_id) JOIN roster_private.source s USING (source_id)
LEFT JOIN roster_private.app_user u ON u.user_id = p.id
WHERE p.slot = 0 AND p.kind = 'user' AND p.op IN ('add', 'change', 'remove')
UNION ALL
SELECT p.run_id, p.op, p.kind, s.iam_id, p.name, NULL,
       CASE WHEN g.active THEN roster_private.group_document(g.group_name, g.external_id, g.display_name, g.profile) END,
       CASE WHEN p.active THEN roster_private.group_document(p.name, p.external_id, p.display_name, coalesce(p.profile, '{}')) END
FROM roster_private.plan_entity p JOIN roster_private.sync_run r USING (run_id) JOIN roster_private.source s USING (source_id)
LEFT JOIN roster_private.app_group g ON g.group_id = p.id
WHERE p.slot = 0 AND p.kind = 'group' AND p.op IN ('add', 'change', 'remove')
UNION ALL
SELECT e.run_id, e.op, roster_private.edge_kind(e.kind), s.iam_id, coalesce(g.name, o.group_name), coalesce(m.name, u.username, h.group_name), NULL, NULL
FROM roster_private.plan_edge e JOIN roster_private.sync_run r USING (run_id) JOIN roster_private.source s USING (source_id)
LEFT JOIN roster_private.plan_entity g ON g.slot = 0 AND g.run_id = e.run_id AND g.kind = 'group' AND g.id = e.group_id AND g.name IS NOT NULL
LEFT JOIN roster_private.app_group o ON o.group_id = e.group_id
LEFT JOIN roster_private.plan_entity m ON m.slot = 0 AND m.run_id = e.run_id AND m.kind = e.kind AND m.id = e.member_id AND m.name IS NOT NULL
LEFT JOIN roster_private.app_user u ON e.kind = 'user' AND u.user_id = e.member_id
LEFT JOIN roster_private.app_group h ON e.kind = 'group' AND h.group_id = e.member_id
WHERE e.slot = 0
UNION ALL
SELECT v.run_id, v.op, CASE v.kind WHEN 'platform' THEN 'platform_username' ELSE v.kind || '_attribute' END, s.iam_id,
       coalesce(p.name, u.username, g.group_name), v.name, CASE v.op WHEN 'remove' THEN d.value END, CASE v.op WHEN 'add' THEN d.value END
FROM roster_private.plan_value v
CROSS JOIN LATERAL (SELECT CASE v.kind WHEN 'platform' THEN jsonb_build_object('state', 'value', 'platform_username', v.value)
                           ELSE to_jsonb(v.value) END AS value) d
JOIN roster_private.sync_run r USING (run_id) JOIN roster_private.source s USING (source_id)
LEFT JOIN roster_private.plan_entity p ON p.slot = 0 AND p.run_id = v.run_id AND p.id = v.id AND p.name IS NOT NULL
     AND p.kind = CASE v.kind WHEN 'platform' THEN 'user' ELSE v.kind END
LEFT JOIN roster_private.app_user u ON v.kind IN ('user', 'platform') AND u.user_id = v.id
LEFT JOIN roster_private.app_group g ON v.kind = 'group' AND g.group_id = v.id
WHERE v.slot = 0;
COMMENT ON VIEW roster_private.planned_event IS 'Every change that a kept plan lists.';

CREATE VIEW roster.sync_changes AS
SELECT e.run_id, e.change, e.kind, i.iam, e.subject, e.name, e.before, e.after
FROM roster_private.event e
JOIN roster_private.sync_run q ON q.run_id = e.run_id
LEFT JOIN roster_private.iam i ON i.iam_id = e.iam_id
WHERE e.kind = ANY (ARRAY['user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute', 'permission', 'platform_username'])
UNION ALL
SELECT p.run_id, p.change, p.kind, i.iam, p.subject, p.name, p.before, p.after
FROM roster_private.planned_event p LEFT JOIN roster_private.iam i ON i.iam_id = p.iam_id;

CREATE VIEW roster.sync_runs AS
SELECT r.run_id, s.source, r.mode, r.trigger, r.state, coalesce(r.started_at, r.queued_at) AS started_at, r.finished_at, r.read, r.added, r.changed,
       r.removed, r.quarantined, r.message
FROM roster_private.sync_run r JOIN roster_private.source s USING (source_id);

CREATE VIEW roster.quarantine AS
SELECT q.run_id, s.source, q.kind, q.key, q.reason, q.entry
FROM roster_private.quarantined q JOIN roster_private.source s USING (source_id)
UNION ALL
-- A member whom nobody knows waits, and enters when somebody of that id appears.
SELECT NULL, s.source, 'membership', r.scim_id || ' ' || p.value,
       format('member "%s" of group "%s" is not known: neither the id of a resource nor an externalId', p.value, r.document ->> 'displayName'),
       jsonb_build_object('group', r.document ->> 'displayName', 'member', p.value)
FROM roster_private.scim_pending p
JOIN roster_private.scim_group r ON r.rid = p.group_rid AND r.group_id IS NOT NULL
JOIN roster_private.source s ON s.source_id = p.source_id
-- Known, and not taken: sync_groups was off when the group was stated last.
WHERE NOT EXISTS (SELECT FROM roster_private.scim_group h WHERE h.scim_id = p.scim_id AND h.source_id = p.source_id);

CREATE VIEW roster.guards AS
SELECT s.source, k.kind, coalesce(g.max_count, 50) AS max_count, coalesce(g.max_percent, 10) AS max_percent
FROM roster_private.source s
CROSS JOIN unnest(roster_private.guarded_kinds()) k(kind)
LEFT JOIN roster_private.guard g ON g.source_id = s.source_id AND g.kind = k.kind
WHERE s.dropped_at IS NULL AND s.kind <> 'manual';

CREATE VIEW roster.sources AS
SELECT s.source, i.iam, s.kind, s.schedule, s.next_run_at, s.priority, s.enabled, l.run_id AS last_run_id, coalesce(o.finished_at, t.used_at) AS last_success_at,
       CASE WHEN NOT s.enabled THEN 'disabled'
            WHEN s.kind = 'manual' THEN 'ok'
            -- Told what changes: whoever tells it has used a key.
            WHEN s.kind IN ('scim', 'push', 'login') THEN CASE WHEN t.used_at IS NULL THEN 'never_ran' ELSE 'ok' END
            WHEN u.run_id IS NOT NULL THEN 'running'
            -- An hour past its time, nobody is running the schedules.
            WHEN s.next_run_at < statement_timestamp() - interval '1 hour' AND coalesce(l.state, '') NOT IN ('blocked', 'failed') THEN 'stale'
            WHEN x.run_id IS NOT NULL THEN 'failing'
            WHEN l.run_id IS NULL THEN 'never_ran'
            WHEN l.state = 'blocked' THEN 'blocked'
            WHEN l.state = 'failed' THEN 'failing'
            ELSE 'ok' END AS health,
       s.config, s.time_zone,
       CASE WHEN x.run_id IS NOT NULL AND u.run_id IS NULL THEN format('run %s lost its process, and no daemon has taken over yet', x.run_id)
            WHEN l.state IN ('failed', 'blocked') THEN l.message END AS last_error,
       u.run_id AS running_run_id, s.run_timeout, coalesce(f.failures, 0) AS failures,
       CASE WHEN f.hold_until > statement_timestamp() THEN greatest(f.hold_until, least(f.retry_at, s.next_run_at)) ELSE f.retry_at END AS retry_at
FROM roster_private.source s
JOIN roster_private.iam i USING (iam_id)
-- What says that it is running, and what really is.
LEFT JOIN LATERAL (SELECT max(r.run_id) AS run_id FROM roster_private.sync_run r WHERE r.source_id = s.source_id AND r.state = 'running') x ON true
LEFT JOIN LATERAL (SELECT roster_private.running_run(s.source_id) AS run_id WHERE x.run_id IS NOT NULL) u ON true
LEFT JOIN roster_private.source_retry f USING (source_id)
LEFT JOIN LATERAL (SELECT r.run_id, r.state, r.message FROM roster_private.sync_run r
                   WHERE r.source_id = s.source_id AND r.mode = 'apply' AND r.state IN ('succeeded', 'failed', 'blocked')
                   ORDER BY r.finished_at DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (SELECT r.finished_at FROM roster_private.sync_run r
                   WHERE r.source_id = s.source_id AND r.mode = 'apply' AND r.state = 'succeeded' ORDER BY r.finished_at DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT max(k.last_used_at) AS used_at FROM roster_private.api_key k
                   WHERE s.kind = ANY (k.scopes) AND (k.source_id = s.source_id OR k.source_id IS NULL AND k.iam_id = s.iam_id)) t ON true
WHERE s.dropped_at IS NULL;
