-- What holds, merge rules applied. The rules: union (default), nearest (own values hide inherited ones, a nearer group hides
-- a farther one), priority (only the source with the highest number that has a value; ties unite).

CREATE VIEW roster_private.stated_now AS
SELECT u.user_id, i.iam, u.username, a.name, a.value, 0 AS depth, a.source_id, a.opened_run, NULL::bigint AS group_id, NULL::bigint AS carrier_id
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.user_attribute a ON a.user_id = u.user_id
    AND (a.valid_from IS NULL OR a.valid_from <= statement_timestamp())
    AND (a.valid_until IS NULL OR a.valid_until > statement_timestamp())
WHERE u.active;
COMMENT ON VIEW roster_private.stated_now IS 'Values that active users have of their own, right now.';

CREATE VIEW roster_private.inherited_now AS
SELECT u.user_id, i.iam, u.username, e.name, e.value, e.depth + 1 AS depth, e.source_id, e.opened_run, e.group_id, e.carrier_id
FROM roster_private.app_user u
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.membership m ON m.user_id = u.user_id
    AND (m.valid_from IS NULL OR m.valid_from <= statement_timestamp())
    AND (m.valid_until IS NULL OR m.valid_until > statement_timestamp())
JOIN roster_private.group_effective e ON e.group_id = m.group_id
    AND (e.valid_from IS NULL OR e.valid_from <= statement_timestamp())
    AND (e.valid_until IS NULL OR e.valid_until > statement_timestamp())
WHERE u.active;
COMMENT ON VIEW roster_private.inherited_now IS 'Values that active users inherit right now, once per way; depth 1 = carried by a group that the user is directly in.';

-- Names that unite have branches of their own: a condition on a value reaches their indexes, which it cannot below the
-- window that the other rules need. UNION removes what several ways bring.
CREATE VIEW roster.effective_attributes AS
SELECT s.user_id, s.iam, s.username, s.name, s.value
FROM roster_private.stated_now s
WHERE s.name <> ALL (ARRAY(SELECT r.name FROM roster_private.merge_rule r WHERE r.rule <> 'union'))
UNION
SELECT h.user_id, h.iam, h.username, h.name, h.value
FROM roster_private.inherited_now h
WHERE h.name <> ALL (ARRAY(SELECT r.name FROM roster_private.merge_rule r WHERE r.rule <> 'union'))
UNION
SELECT w.user_id, w.iam, w.username, w.name, w.value
FROM (SELECT v.user_id, v.iam, v.username, v.name, v.value,
             CASE r.rule WHEN 'nearest' THEN v.depth = min(v.depth) OVER same_name
                         ELSE s.priority = max(s.priority) OVER same_name END AS wins
      FROM roster_private.merge_rule r
      JOIN (SELECT * FROM roster_private.stated_now UNION ALL SELECT * FROM roster_private.inherited_now) v ON v.name = r.name
      JOIN roster_private.source s ON s.source_id = v.source_id
      WHERE r.rule <> 'union'
      WINDOW same_name AS (PARTITION BY v.user_id, v.iam, v.username, v.name)) w
-- Looked at once: without rules, nothing below is read.
WHERE w.wins AND EXISTS (SELECT FROM roster_private.merge_rule r WHERE r.rule <> 'union');

CREATE VIEW roster.attribute_origins AS
SELECT o.user_id, o.iam, o.username, o.name, o.value, CASE WHEN o.group_id IS NULL THEN 'user' ELSE 'group' END AS origin,
       g.group_name, CASE WHEN o.group_id IS NULL THEN '{}' ELSE roster_private.group_path(o.group_id, o.carrier_id) END AS path,
       o.source, coalesce(t.at, t.begun) AS since, o.wins,
       CASE WHEN o.max_age IS NULL THEN false
            ELSE greatest(coalesce(t.at, t.begun),
                          CASE WHEN o.group_id IS NULL
                               THEN (SELECT r.confirmed_at FROM roster_private.scim_user r WHERE r.user_id = o.user_id AND r.source_id = o.source_id)
                               ELSE (SELECT r.confirmed_at FROM roster_private.scim_group r WHERE r.group_id = o.carrier_id AND r.source_id = o.source_id) END,
                          -- A table is read as a whole, an endpoint answers for one user at a time.
                          CASE o.source_kind
                               WHEN 'table' THEN (SELECT f.confirmed_at FROM roster_private.source_state f WHERE f.source_id = o.source_id)
                               WHEN 'endpoint' THEN (SELECT max(k.confirmed_at) FROM roster_private.user_link k WHERE k.user_id = o.user_id AND k.source_id = o.source_id) END)
                 < statement_timestamp() - o.max_age END AS stale
FROM (SELECT v.user_id, v.iam, v.username, v.name, v.value, v.group_id, v.carrier_id, v.opened_run, s.source, s.source_id, s.kind AS source_kind, roster_private.max_age(s.config) AS max_age,
             CASE r.rule WHEN 'nearest' THEN v.depth = min(v.depth) OVER same_name
                         WHEN 'priority' THEN s.priority = max(s.priority) OVER same_name
                         ELSE true END AS wins
      -- Two sources may state the same membership: the group is joined once.
      FROM (SELECT * FROM roster_private.stated_now UNION SELECT * FROM roster_private.inherited_now) v
      JOIN roster_private.source s ON s.source_id = v.source_id
      LEFT JOIN roster_private.merge_rule r ON r.name = v.name
      WINDOW same_name AS (PARTITION BY v.user_id, v.iam, v.username, v.name)) o
LEFT JOIN roster_private.app_group g ON g.group_id = o.carrier_id
LEFT JOIN roster_private.run t ON t.run_id = o.opened_run;

CREATE FUNCTION roster.set_merge_rule(name text, rule text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name   text := clean_name('name', set_merge_rule.name);
    v_before text;
BEGIN
    IF set_merge_rule.rule IS NULL OR set_merge_rule.rule NOT IN ('union', 'nearest', 'priority') THEN
        RAISE EXCEPTION 'argument "rule" must be union, nearest or priority, not "%"', set_merge_rule.rule
            USING ERRCODE = 'invalid_parameter_value', HINT = 'union is the rule of names that have none.';
    END IF;
    PERFORM lock_iam(1, false);
    SELECT r.rule INTO v_before FROM merge_rule r WHERE r.name = v_name;
    IF v_before IS DISTINCT FROM set_merge_rule.rule THEN
        INSERT INTO merge_rule AS r (name, rule) VALUES (v_name, set_merge_rule.rule)
        ON CONFLICT ON CONSTRAINT merge_rule_pkey DO UPDATE SET rule = excluded.rule;
        PERFORM record_config(single_run(1), CASE WHEN v_before IS NULL THEN 'add' ELSE 'change' END, 'merge_rule', NULL, v_name, NULL,
                              to_jsonb(v_before), to_jsonb(set_merge_rule.rule));
    END IF;
END $$;
COMMENT ON FUNCTION roster.set_merge_rule IS 'How the values of an attribute combine: union, nearest (own values hide inherited ones, a nearer group hides a farther one) or priority (only the source with the highest priority that has a value). Errors: 22023 empty name or unknown rule.';

CREATE VIEW roster.merge_rules AS
SELECT r.name, r.rule FROM roster_private.merge_rule r;
