-- Plan: the difference between what a source says (staging) and the facts that it owns, written down row by row.
-- Reads facts of other sources, touches none of them.

CREATE TYPE roster_private.plan_context AS (
    run_id bigint, slot smallint, source_id integer, iam_id integer, case_sensitive boolean);
COMMENT ON TYPE roster_private.plan_context IS 'What every step of a plan needs to know of its run.';

CREATE FUNCTION roster_private.make_plan(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    PERFORM analyze_slot(c.slot, 'staged');
    PERFORM plan_users(c);
    PERFORM settle_user_names(c);
    PERFORM plan_groups(c);
    PERFORM settle_group_names(c);
    EXECUTE format('ANALYZE roster_private.%I', 'plan_entity_' || c.slot);
    PERFORM plan_user_attributes(c);
    PERFORM plan_group_attributes(c);
    PERFORM plan_platforms(c);
    PERFORM plan_pending(c);
    -- Where every staged member is a new edge, none can be missing: a first sync need not look for them.
    IF plan_memberships(c) + plan_nestings(c) < (SELECT count(*) FROM staged_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id) THEN
        PERFORM recheck_incomplete_groups(c);
    END IF;
    PERFORM plan_primary_groups(c);
END $$;
COMMENT ON FUNCTION roster_private.make_plan IS 'Fills the plan tables of a run from its staging.';

-- A staged user is, in this order: the one this source claims under the key, the one with the same immutable id (who
-- left and returns, or whom another source brought), a user of that name without an immutable id (adopted), or new.
CREATE FUNCTION roster_private.plan_users(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_provisions boolean := (SELECT s.kind IN ('ldap', 'scim') FROM source s WHERE s.source_id = c.source_id);
    v_grace      interval := grace_of(c.source_id);
BEGIN
    INSERT INTO plan_entity (slot, run_id, kind, op, id, version, owner_id, claim, key, external_id, name, name_key,
                             display_name, email, profile, active, claim_active, fingerprint, reference, uid_reference, primary_group)
    WITH staged AS MATERIALIZED (
        SELECT s.*, name_key(s.name, c.case_sensitive) AS staged_key
        FROM staged_entity s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'user' AND s.present
    ), matched AS (
        SELECT s.*, coalesce(k.user_id, e.user_id, m.user_id) AS known_id
        FROM staged s
        LEFT JOIN user_claim k ON k.source_id = c.source_id AND k.key = s.key
        LEFT JOIN app_user e ON k.user_id IS NULL AND e.iam_id = c.iam_id AND e.external_id = s.external_id
        LEFT JOIN app_user m ON k.user_id IS NULL AND e.user_id IS NULL AND m.iam_id = c.iam_id
                            AND m.username_key = s.staged_key AND m.external_id IS NULL
    ), wanted AS (
        SELECT s.*, u.user_id, u.version, u.source_id AS old_owner, u.username, u.username_key, u.external_id AS old_external_id,
               u.display_name AS old_display_name, u.email AS old_email, u.profile AS old_profile, u.active AS was_active,
               -- A source states the profile unless another that still claims the user does; SQL calls yield, and sources
               -- that know users only from what they are told about them yield to those that provision them.
               u.user_id IS NULL OR u.source_id IN (c.source_id, 1) OR v_provisions AND EXISTS (
                       SELECT FROM source o WHERE o.source_id = u.source_id AND o.kind IN ('table', 'endpoint', 'push'))
                   OR NOT EXISTS (SELECT FROM user_claim o WHERE o.user_id = u.user_id AND o.source_id = u.source_id) AS owns,
               NOT coalesce(u.admin_disabled, false)
                   AND (s.active OR EXISTS (SELECT FROM user_claim o WHERE o.user_id = u.user_id AND o.active
                                            AND o.source_id NOT IN (c.source_id, 1))) AS becomes_active
        FROM matched s LEFT JOIN app_user u ON u.user_id = s.known_id
    )
    SELECT c.slot, c.run_id, 'user',
           CASE WHEN w.user_id IS NULL THEN 'add'
                WHEN w.becomes_active AND NOT w.was_active THEN 'add'
                WHEN w.was_active AND NOT w.becomes_active THEN 'remove'
                -- Back without being active: the name is held again, or no call could find the user.
                WHEN w.username_key IS NULL
                  OR w.owns AND (w.username, w.external_id, w.display_name, w.email, w.profile, w.old_owner)
                     IS DISTINCT FROM (w.name, w.old_external_id, w.old_display_name, w.old_email, w.old_profile, c.source_id)
                THEN 'change' ELSE 'keep' END,
           coalesce(w.user_id, nextval('roster_private.user_id_seq')), w.version,
           CASE WHEN w.owns THEN c.source_id ELSE w.old_owner END, 'set', w.key,
           CASE WHEN w.owns THEN w.external_id ELSE coalesce(w.old_external_id, w.external_id) END,
           CASE WHEN w.owns OR w.username_key IS NULL THEN w.name ELSE w.username END,
           CASE WHEN w.owns OR w.username_key IS NULL THEN w.staged_key ELSE w.username_key END,
           CASE WHEN w.owns THEN w.display_name ELSE w.old_display_name END,
           CASE WHEN w.owns THEN w.email ELSE w.old_email END,
           CASE WHEN w.owns THEN w.profile ELSE w.old_profile END,
           w.becomes_active, w.active, w.fingerprint, w.reference, w.uid_reference, w.primary_group
    FROM wanted w;

    INSERT INTO plan_entity (slot, run_id, kind, op, id, version, owner_id, claim, key, external_id, name, name_key,
                             display_name, email, profile, active)
    SELECT c.slot, c.run_id, 'user', CASE WHEN NOT w.waits AND u.active AND NOT a.stays THEN 'remove' ELSE 'keep' END,
           u.user_id, u.version, coalesce(o.source_id, u.source_id), CASE WHEN w.waits THEN 'miss' ELSE 'drop' END, s.key, u.external_id,
           u.username, u.username_key, u.display_name, u.email, u.profile, CASE WHEN w.waits THEN u.active ELSE a.stays END
    FROM staged_entity s
    JOIN user_claim k ON k.source_id = c.source_id AND k.key = s.key
    JOIN app_user u ON u.user_id = k.user_id
    LEFT JOIN LATERAL (SELECT min(o.source_id) AS source_id FROM user_claim o
                       WHERE o.user_id = u.user_id AND o.source_id <> c.source_id) o ON true
    CROSS JOIN LATERAL (SELECT u.active AND EXISTS (SELECT FROM user_claim o WHERE o.user_id = u.user_id AND o.active
                                                    AND o.source_id <> c.source_id) AS stays) a
    CROSS JOIN LATERAL (SELECT v_grace > interval '0' AND coalesce(k.missing_since > clock_timestamp() - v_grace, true) AS waits) w
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'user' AND NOT s.present
      AND NOT EXISTS (SELECT FROM plan_entity p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.id = u.user_id);
END $$;
COMMENT ON FUNCTION roster_private.plan_users IS 'Plans users: who comes, changes, returns and leaves.';

-- Names are unique among those who hold one. Somebody who left gives a name up to a newcomer; among the others the
-- holder keeps it and the entry that wants it is quarantined. That entry keeps its old name, which may be wanted by yet
-- another: hence the loop.
CREATE FUNCTION roster_private.settle_user_names(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_bad bigint;
BEGIN
    LOOP
        WITH taken AS (
            SELECT p.key, 'username "' || p.name || '" is that of another entry of this run; rename one of them' AS reason
            FROM (SELECT p.key, p.name,
                         row_number() OVER (PARTITION BY p.name_key ORDER BY (u.username_key = p.name_key) DESC NULLS LAST, p.external_id) AS place
                  FROM plan_entity p LEFT JOIN app_user u ON u.user_id = p.id
                  WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set'
                    AND p.name_key IN (SELECT d.name_key FROM plan_entity d
                                       WHERE d.slot = c.slot AND d.run_id = c.run_id AND d.kind = 'user' AND d.claim = 'set'
                                       GROUP BY d.name_key HAVING count(*) > 1)) p
            WHERE p.place > 1
            UNION ALL
            SELECT p.key, 'username "' || p.name || '" is that of another user of this identity manager'
                         || coalesce(' (external id ' || x.external_id || ')', '') || '; rename one of them'
            FROM plan_entity p JOIN app_user x ON x.iam_id = c.iam_id AND x.username_key = p.name_key AND x.user_id <> p.id
            WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set'
              AND (x.active OR EXISTS (SELECT FROM user_claim k WHERE k.user_id = x.user_id))
              AND NOT EXISTS (SELECT FROM plan_entity q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'user'
                              AND q.id = x.user_id AND (q.claim = 'set' OR q.claim = 'drop' AND NOT q.active AND NOT EXISTS (
                                  SELECT FROM user_claim o WHERE o.user_id = q.id AND o.source_id <> c.source_id)))
        ), gone AS (
            DELETE FROM plan_entity p USING (SELECT t.key, min(t.reason) AS reason FROM taken t GROUP BY t.key) t
            WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.key = t.key
            RETURNING p.*, t.reason
        )
        INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry, entry_key)
        SELECT c.slot, c.run_id, 'user', coalesce(g.external_id, g.name), g.reason, user_document(g.name, g.external_id, g.display_name, g.email, g.active, g.profile), g.key
        FROM gone g;
        GET DIAGNOSTICS v_bad = ROW_COUNT;
        EXIT WHEN v_bad = 0;
    END LOOP;

    -- Who was inactive already has nothing else to change: release is what writes the name.
    UPDATE plan_entity q SET name_key = NULL, op = CASE q.op WHEN 'keep' THEN 'release' ELSE q.op END
    WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'user' AND q.claim = 'drop' AND NOT q.active
      -- Disabled by another source is not gone.
      AND NOT EXISTS (SELECT FROM user_claim o WHERE o.user_id = q.id AND o.source_id <> c.source_id)
      AND EXISTS (SELECT FROM plan_entity p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set'
                  AND p.name_key = q.name_key);
    INSERT INTO plan_entity (slot, run_id, kind, op, id, version)
    SELECT c.slot, c.run_id, 'user', 'release', x.user_id, x.version
    FROM plan_entity p JOIN app_user x ON x.iam_id = c.iam_id AND x.username_key = p.name_key AND x.user_id <> p.id
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set'
      AND NOT EXISTS (SELECT FROM plan_entity q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'user' AND q.id = x.user_id);
END $$;
COMMENT ON FUNCTION roster_private.settle_user_names IS 'Quarantines entries whose username belongs to somebody else, and lets those who left give theirs up.';

CREATE FUNCTION roster_private.plan_groups(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_entity (slot, run_id, kind, op, id, version, owner_id, claim, key, external_id, name, name_key,
                             display_name, profile, active, claim_active, fingerprint, reference)
    WITH matched AS (
        SELECT s.*, coalesce(k.group_id, e.group_id, m.group_id) AS known_id
        FROM staged_entity s
        LEFT JOIN group_claim k ON k.source_id = c.source_id AND k.key = s.key
        LEFT JOIN app_group e ON k.group_id IS NULL AND e.iam_id = c.iam_id AND e.external_id = s.external_id
        LEFT JOIN app_group m ON k.group_id IS NULL AND e.group_id IS NULL AND m.iam_id = c.iam_id
                             AND m.group_name_key = s.name AND m.external_id IS NULL
        WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'group' AND s.present
    ), wanted AS (
        SELECT s.*, g.group_id, g.version, g.source_id AS old_owner, g.group_name, g.group_name_key,
               g.external_id AS old_external_id, g.display_name AS old_display_name, g.profile AS old_profile, g.active AS was_active,
               g.group_id IS NULL OR g.source_id IN (c.source_id, 1)
                   OR NOT EXISTS (SELECT FROM group_claim o WHERE o.group_id = g.group_id AND o.source_id = g.source_id) AS owns
        FROM matched s LEFT JOIN app_group g ON g.group_id = s.known_id
    )
    SELECT c.slot, c.run_id, 'group',
           CASE WHEN w.group_id IS NULL OR NOT w.was_active THEN 'add'
                WHEN w.owns AND (w.group_name, w.external_id, w.display_name, w.profile, w.old_owner)
                     IS DISTINCT FROM (w.name, w.old_external_id, w.old_display_name, w.old_profile, c.source_id)
                THEN 'change' ELSE 'keep' END,
           coalesce(w.group_id, nextval('roster_private.group_id_seq')), w.version,
           CASE WHEN w.owns THEN c.source_id ELSE w.old_owner END, 'set', w.key,
           CASE WHEN w.owns THEN w.external_id ELSE coalesce(w.old_external_id, w.external_id) END,
           CASE WHEN w.owns OR w.group_name_key IS NULL THEN w.name ELSE w.group_name END,
           CASE WHEN w.owns OR w.group_name_key IS NULL THEN w.name ELSE w.group_name_key END,
           CASE WHEN w.owns THEN w.display_name ELSE w.old_display_name END,
           CASE WHEN w.owns THEN w.profile ELSE w.old_profile END,
           true, true, w.fingerprint, w.reference
    FROM wanted w;

    INSERT INTO plan_entity (slot, run_id, kind, op, id, version, owner_id, claim, key, external_id, name, name_key,
                             display_name, profile, active)
    SELECT c.slot, c.run_id, 'group', CASE WHEN g.active AND o.source_id IS NULL THEN 'remove' ELSE 'keep' END,
           g.group_id, g.version, coalesce(o.source_id, g.source_id), 'drop', s.key, g.external_id, g.group_name, g.group_name_key,
           g.display_name, g.profile, g.active AND o.source_id IS NOT NULL
    FROM staged_entity s
    JOIN group_claim k ON k.source_id = c.source_id AND k.key = s.key
    JOIN app_group g ON g.group_id = k.group_id
    LEFT JOIN LATERAL (SELECT min(o.source_id) AS source_id FROM group_claim o
                       WHERE o.group_id = g.group_id AND o.source_id <> c.source_id) o ON true
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'group' AND NOT s.present
      AND NOT EXISTS (SELECT FROM plan_entity p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.id = g.group_id);
END $$;
COMMENT ON FUNCTION roster_private.plan_groups IS 'Plans groups, as plan_users does users.';

CREATE FUNCTION roster_private.settle_group_names(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_bad bigint;
BEGIN
    LOOP
        WITH taken AS (
            SELECT p.key, 'group name "' || p.name || '" is that of another entry of this run; rename one of them or set group_name_attribute to dn' AS reason
            FROM (SELECT p.key, p.name,
                         row_number() OVER (PARTITION BY p.name_key ORDER BY (g.group_name_key = p.name_key) DESC NULLS LAST, p.external_id) AS place
                  FROM plan_entity p LEFT JOIN app_group g ON g.group_id = p.id
                  WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set') p
            WHERE p.place > 1
            UNION ALL
            SELECT p.key, 'group name "' || p.name || '" is that of another group of this identity manager'
                         || coalesce(' (external id ' || x.external_id || ')', '') || '; rename one of them or set group_name_attribute to dn'
            FROM plan_entity p JOIN app_group x ON x.iam_id = c.iam_id AND x.group_name_key = p.name_key AND x.group_id <> p.id
            WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set' AND x.active
              AND NOT EXISTS (SELECT FROM plan_entity q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'group'
                              AND q.id = x.group_id AND (q.claim = 'set' OR NOT q.active))
        ), gone AS (
            DELETE FROM plan_entity p USING (SELECT t.key, min(t.reason) AS reason FROM taken t GROUP BY t.key) t
            WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.key = t.key
            RETURNING p.*, t.reason
        )
        INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry, entry_key)
        SELECT c.slot, c.run_id, 'group', coalesce(g.external_id, g.name), g.reason, group_document(g.name, g.external_id, g.display_name, g.profile), g.key
        FROM gone g;
        GET DIAGNOSTICS v_bad = ROW_COUNT;
        EXIT WHEN v_bad = 0;
    END LOOP;

    UPDATE plan_entity q SET name_key = NULL, op = CASE q.op WHEN 'keep' THEN 'release' ELSE q.op END
    WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'group' AND q.claim = 'drop' AND NOT q.active
      AND EXISTS (SELECT FROM plan_entity p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set'
                  AND p.name_key = q.name_key);
    INSERT INTO plan_entity (slot, run_id, kind, op, id, version)
    SELECT c.slot, c.run_id, 'group', 'release', x.group_id, x.version
    FROM plan_entity p JOIN app_group x ON x.iam_id = c.iam_id AND x.group_name_key = p.name_key AND x.group_id <> p.id
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set'
      AND NOT EXISTS (SELECT FROM plan_entity q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'group' AND q.id = x.group_id);
END $$;
COMMENT ON FUNCTION roster_private.settle_group_names IS 'As settle_user_names, for group names.';

CREATE FUNCTION roster_private.plan_user_attributes(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'user', 'add', p.id, v.name, v.value
    FROM staged_value v
    JOIN plan_entity p ON p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set' AND p.key = v.key
    LEFT JOIN user_attribute a ON a.user_id = p.id AND a.name = v.name AND a.value = v.value AND a.source_id = c.source_id
    WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'user' AND a.user_id IS NULL;

    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'user', 'remove', p.id, a.name, a.value
    FROM plan_entity p
    JOIN user_attribute a ON a.user_id = p.id AND a.source_id = c.source_id
    LEFT JOIN staged_value v ON v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'user' AND v.key = p.key
                            AND v.name = a.name AND v.value = a.value
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NOT NULL
      AND (p.claim = 'drop' OR p.claim = 'set' AND v.key IS NULL);
END $$;
COMMENT ON FUNCTION roster_private.plan_user_attributes IS 'Plans the attribute values of the planned users.';

CREATE FUNCTION roster_private.plan_group_attributes(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'group', 'add', p.id, v.name, v.value
    FROM staged_value v
    JOIN plan_entity p ON p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set' AND p.key = v.key
    LEFT JOIN group_attribute a ON a.group_id = p.id AND a.name = v.name AND a.value = v.value AND a.source_id = c.source_id
    WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'group' AND a.group_id IS NULL;

    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'group', 'remove', p.id, a.name, a.value
    FROM plan_entity p
    JOIN group_attribute a ON a.group_id = p.id AND a.source_id = c.source_id
    LEFT JOIN staged_value v ON v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'group' AND v.key = p.key
                            AND v.name = a.name AND v.value = a.value
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.version IS NOT NULL
      AND (p.claim = 'drop' OR p.claim = 'set' AND v.key IS NULL);
END $$;
COMMENT ON FUNCTION roster_private.plan_group_attributes IS 'Plans the attribute values of the planned groups.';

-- How a user is called on a platform is one name: what an administrator or another source stated stands, and this one's waits.
CREATE FUNCTION roster_private.plan_platforms(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT DISTINCT ON (p.id, v.name) c.slot, c.run_id, 'platform', 'add', p.id, v.name, v.value
    FROM staged_value v
    JOIN plan_entity p ON p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set' AND p.key = v.key
    LEFT JOIN platform_username a ON a.user_id = p.id AND a.platform = v.name
    WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'platform'
      AND (a.user_id IS NULL OR a.source_id = c.source_id AND a.platform_username <> v.value)
    ORDER BY p.id, v.name, v.value COLLATE "C";

    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'platform', 'remove', p.id, a.platform, a.platform_username
    FROM plan_entity p
    JOIN platform_username a ON a.user_id = p.id AND a.source_id = c.source_id
    LEFT JOIN staged_value v ON v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'platform' AND v.key = p.key
                            AND v.name = a.platform AND v.value = a.platform_username
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NOT NULL
      AND (p.claim = 'drop' OR p.claim = 'set' AND v.key IS NULL);
END $$;
COMMENT ON FUNCTION roster_private.plan_platforms IS 'Plans the platform usernames of the planned users.';

CREATE FUNCTION roster_private.plan_memberships(c roster_private.plan_context) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_added bigint;
BEGIN
    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'add', g.id, w.user_id
    FROM staged_edge e
    JOIN plan_entity g ON g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.claim = 'set' AND g.key = e.group_key
    LEFT JOIN plan_entity u ON u.slot = c.slot AND u.run_id = c.run_id AND u.kind = 'user' AND u.key = e.member_key
    LEFT JOIN user_claim k ON k.source_id = c.source_id AND k.key = e.member_key
    CROSS JOIN LATERAL (SELECT CASE WHEN u.id IS NULL OR u.claim = 'miss' THEN k.user_id WHEN u.claim = 'set' THEN u.id END AS user_id) w
    LEFT JOIN membership m ON m.user_id = w.user_id AND m.group_id = g.id AND m.source_id = c.source_id
    WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND w.user_id IS NOT NULL AND m.user_id IS NULL;
    GET DIAGNOSTICS v_added = ROW_COUNT;

    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'remove', m.group_id, m.user_id
    FROM plan_entity g
    JOIN membership m ON m.group_id = g.id AND m.source_id = c.source_id
    LEFT JOIN user_claim k ON k.source_id = c.source_id AND k.user_id = m.user_id
    LEFT JOIN staged_edge e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user'
                           AND e.group_key = g.key AND e.member_key = k.key
    LEFT JOIN plan_entity u ON u.slot = c.slot AND u.run_id = c.run_id AND u.kind = 'user' AND u.claim IN ('set', 'miss') AND u.key = k.key
    WHERE g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.version IS NOT NULL
      AND (g.claim = 'drop' OR g.claim = 'set' AND e.group_key IS NULL
           -- A primary group does not list those who name it.
           AND CASE u.claim WHEN 'set' THEN u.primary_group ELSE k.primary_group END IS DISTINCT FROM g.key
           -- Nor does it say of somebody who is missing for now and whom it still lists that it let go.
           AND NOT (coalesce(u.claim = 'miss', k.missing_since IS NOT NULL) AND EXISTS (
                SELECT FROM staged_pending w WHERE w.slot = c.slot AND w.run_id = c.run_id AND w.group_key = g.key
                  AND w.reference IN (k.reference, k.uid_reference))))
    UNION
    SELECT c.slot, c.run_id, 'user', 'remove', m.group_id, m.user_id
    FROM plan_entity u JOIN membership m ON m.user_id = u.id AND m.source_id = c.source_id
    WHERE u.slot = c.slot AND u.run_id = c.run_id AND u.kind = 'user' AND u.claim = 'drop';
    RETURN v_added;
END $$;
COMMENT ON FUNCTION roster_private.plan_memberships IS 'Plans users in the planned groups, and the end of what leaving users were in. Returns how many edges are added.';

CREATE FUNCTION roster_private.plan_nestings(c roster_private.plan_context) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_added bigint;
BEGIN
    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'group', 'add', g.id, w.group_id
    FROM staged_edge e
    JOIN plan_entity g ON g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.claim = 'set' AND g.key = e.group_key
    LEFT JOIN plan_entity h ON h.slot = c.slot AND h.run_id = c.run_id AND h.kind = 'group' AND h.key = e.member_key
    LEFT JOIN group_claim k ON k.source_id = c.source_id AND k.key = e.member_key
    CROSS JOIN LATERAL (SELECT CASE WHEN h.id IS NULL THEN k.group_id WHEN h.claim = 'set' THEN h.id END AS group_id) w
    LEFT JOIN nesting n ON n.parent_id = g.id AND n.child_id = w.group_id AND n.source_id = c.source_id
    WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'group' AND w.group_id <> g.id AND n.parent_id IS NULL;
    GET DIAGNOSTICS v_added = ROW_COUNT;

    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'group', 'remove', n.parent_id, n.child_id
    FROM plan_entity g
    JOIN nesting n ON n.parent_id = g.id AND n.source_id = c.source_id
    LEFT JOIN group_claim k ON k.source_id = c.source_id AND k.group_id = n.child_id
    LEFT JOIN staged_edge e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'group'
                           AND e.group_key = g.key AND e.member_key = k.key
    WHERE g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.version IS NOT NULL
      AND (g.claim = 'drop' OR g.claim = 'set' AND e.group_key IS NULL)
    UNION
    SELECT c.slot, c.run_id, 'group', 'remove', n.parent_id, n.child_id
    FROM plan_entity h JOIN nesting n ON n.child_id = h.id AND n.source_id = c.source_id
    WHERE h.slot = c.slot AND h.run_id = c.run_id AND h.kind = 'group' AND h.claim = 'drop';
    RETURN v_added;
END $$;
COMMENT ON FUNCTION roster_private.plan_nestings IS 'Plans groups in the planned groups, and the end of what leaving groups were in. Returns how many edges are added.';

-- A user can name one group of which it is a member though the group does not list it. What the groups themselves say is planned
-- already, so that each edge is planned once.
CREATE FUNCTION roster_private.plan_primary_groups(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM plan_entity u WHERE u.slot = c.slot AND u.run_id = c.run_id AND u.primary_group IS NOT NULL)
       AND NOT EXISTS (SELECT FROM user_claim k WHERE k.source_id = c.source_id AND k.primary_group IS NOT NULL) THEN
        RETURN;
    END IF;
    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'add', w.group_id, u.id
    FROM plan_entity u
    LEFT JOIN plan_entity g ON g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.key = u.primary_group
    LEFT JOIN group_claim k ON k.source_id = c.source_id AND k.key = u.primary_group
    CROSS JOIN LATERAL (SELECT CASE WHEN g.id IS NULL THEN k.group_id WHEN g.claim = 'set' THEN g.id END AS group_id) w
    LEFT JOIN membership m ON m.user_id = u.id AND m.group_id = w.group_id AND m.source_id = c.source_id
    LEFT JOIN plan_edge e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.op = 'add' AND e.group_id = w.group_id AND e.member_id = u.id
    WHERE u.slot = c.slot AND u.run_id = c.run_id AND u.kind = 'user' AND u.claim = 'set' AND u.primary_group IS NOT NULL
      AND w.group_id IS NOT NULL AND m.user_id IS NULL AND e.group_id IS NULL;

    -- A group that comes after those who name it.
    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'add', g.id, k.user_id
    FROM plan_entity g
    JOIN user_claim k ON k.source_id = c.source_id AND k.primary_group = g.key
    LEFT JOIN plan_entity u ON u.slot = c.slot AND u.run_id = c.run_id AND u.kind = 'user' AND u.claim IN ('set', 'drop') AND u.key = k.key
    LEFT JOIN plan_edge e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.op = 'add' AND e.group_id = g.id AND e.member_id = k.user_id
    WHERE g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.claim = 'set'
      AND NOT EXISTS (SELECT FROM group_claim h WHERE h.source_id = c.source_id AND h.key = g.key)
      AND u.id IS NULL AND e.group_id IS NULL
      AND NOT EXISTS (SELECT FROM membership m WHERE m.user_id = k.user_id AND m.group_id = g.id AND m.source_id = c.source_id);

    -- Groups that are planned themselves have let go of whoever names them no more.
    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'remove', m.group_id, m.user_id
    FROM plan_entity u
    JOIN user_claim k ON k.source_id = c.source_id AND k.key = u.key AND k.primary_group IS NOT NULL
    JOIN group_claim g ON g.source_id = c.source_id AND g.key = k.primary_group
    JOIN membership m ON m.user_id = k.user_id AND m.group_id = g.group_id AND m.source_id = c.source_id
    LEFT JOIN plan_entity h ON h.slot = c.slot AND h.run_id = c.run_id AND h.kind = 'group' AND h.claim IN ('set', 'drop') AND h.key = k.primary_group
    WHERE u.slot = c.slot AND u.run_id = c.run_id AND u.kind = 'user' AND u.claim = 'set'
      AND u.primary_group IS DISTINCT FROM k.primary_group AND h.id IS NULL;
END $$;
COMMENT ON FUNCTION roster_private.plan_primary_groups IS 'Plans the memberships that users state themselves, and the end of those that they stated before.';

CREATE FUNCTION roster_private.plan_pending(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    INSERT INTO plan_pending (slot, run_id, group_key, reference)
    SELECT DISTINCT c.slot, c.run_id, s.group_key, s.reference
    FROM staged_pending s
    JOIN plan_entity g ON g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.claim = 'set' AND g.key = s.group_key
    WHERE s.slot = c.slot AND s.run_id = c.run_id;
END $$;
COMMENT ON FUNCTION roster_private.plan_pending IS 'Plans what the planned groups list and is nobody.';

-- A member that the group lists but that is not there (its entry is quarantined, or has left) is missing from the group for
-- now. Without a fingerprint the group is compared in full next time, and the member enters when it can: a run that is told of
-- the member alone finds the group by the reference.
CREATE FUNCTION roster_private.recheck_incomplete_groups(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    UPDATE plan_entity g SET fingerprint = NULL
    FROM (SELECT DISTINCT e.group_key FROM staged_edge e
          LEFT JOIN plan_entity p ON p.slot = c.slot AND p.run_id = c.run_id AND p.kind = e.kind AND p.key = e.member_key
          LEFT JOIN user_claim u ON e.kind = 'user' AND u.source_id = c.source_id AND u.key = e.member_key
          LEFT JOIN group_claim h ON e.kind = 'group' AND h.source_id = c.source_id AND h.key = e.member_key
          WHERE e.slot = c.slot AND e.run_id = c.run_id 
            AND (p.claim = 'drop' OR p.key IS NULL AND u.key IS NULL AND h.key IS NULL)) incomplete
    WHERE g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.key = incomplete.group_key;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO plan_pending (slot, run_id, group_key, reference)
    SELECT DISTINCT c.slot, c.run_id, e.group_key, r.reference
    FROM staged_edge e
    JOIN plan_entity g ON g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.claim = 'set' AND g.key = e.group_key
    LEFT JOIN plan_entity p ON p.slot = c.slot AND p.run_id = c.run_id AND p.kind = e.kind AND p.key = e.member_key
    LEFT JOIN user_claim u ON e.kind = 'user' AND u.source_id = c.source_id AND u.key = e.member_key
    LEFT JOIN group_claim h ON e.kind = 'group' AND h.source_id = c.source_id AND h.key = e.member_key
    LEFT JOIN staged_entity s ON s.slot = c.slot AND s.run_id = c.run_id AND s.present AND s.kind = e.kind AND s.key = e.member_key
    -- Whose reference is not known is called by the key.
    CROSS JOIN LATERAL unnest(ARRAY[coalesce(s.reference, u.reference, h.reference, e.member_key), coalesce(s.uid_reference, u.uid_reference)]) r(reference)
    WHERE e.slot = c.slot AND e.run_id = c.run_id AND r.reference IS NOT NULL
      AND (p.claim = 'drop' OR p.key IS NULL AND u.key IS NULL AND h.key IS NULL)
      AND NOT EXISTS (SELECT FROM plan_pending d WHERE d.slot = c.slot AND d.run_id = c.run_id AND d.group_key = e.group_key AND d.reference = r.reference);
END $$;
COMMENT ON FUNCTION roster_private.recheck_incomplete_groups IS 'Takes the fingerprint from groups with a member that could not be resolved, and keeps what they call it.';
