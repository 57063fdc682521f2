-- Directories: runs that look at what changed, and what they need to know of what was there before.

CREATE FUNCTION roster_private.config_time(p_config jsonb, p_key text) RETURNS interval
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT CASE jsonb_typeof(p_config -> p_key)
               WHEN 'number' THEN make_interval(secs => (p_config ->> p_key)::double precision)
               WHEN 'string' THEN (p_config ->> p_key)::interval END
$$;
COMMENT ON FUNCTION roster_private.config_time IS 'A time in a configuration: seconds or an interval; NULL = none.';

CREATE FUNCTION roster_private.check_time(p_key text, p_config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_config ? p_key AND jsonb_typeof(p_config -> p_key) <> 'null' AND coalesce(config_time(p_config, p_key) < interval '0', true) THEN
        RAISE invalid_parameter_value;
    END IF;
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'config key "%" must be seconds or an interval, not %', p_key, p_config -> p_key
        USING ERRCODE = 'invalid_parameter_value', HINT = format('For example "%s": "2 days".', p_key);
END $$;
COMMENT ON FUNCTION roster_private.check_time IS 'Refuses what is no time, or a negative one.';

-- What is staged -------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.settle_staging(c roster_private.plan_context, p_complete boolean) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM staged_entity s WHERE s.slot = c.slot AND s.run_id = c.run_id)
       AND NOT EXISTS (SELECT FROM user_claim k WHERE k.source_id = c.source_id AND k.missing_since IS NOT NULL) THEN
        RETURN false;
    END IF;
    -- From here on nobody else changes what the source claims.
    PERFORM lock_iam(c.iam_id, true);
    IF NOT p_complete THEN
        PERFORM note_fine_again(c);
        PERFORM drop_unchanged(c);
    END IF;
    PERFORM settle_missing(c);
    RETURN EXISTS (SELECT FROM staged_entity s WHERE s.slot = c.slot AND s.run_id = c.run_id);
END $$;
COMMENT ON FUNCTION roster_private.settle_staging IS 'Leaves of what a run has staged what needs a plan, and tells whether that is anything.';

CREATE FUNCTION roster_private.note_fine_again(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    INSERT INTO staged_quarantine (slot, run_id, kind, key, entry_key)
    SELECT DISTINCT c.slot, c.run_id, q.kind, q.key, q.entry_key
    FROM staged_entity s JOIN quarantined q ON q.source_id = c.source_id AND q.entry_key = s.key
        AND (q.kind = s.kind OR q.kind = 'platform_username' AND s.kind = 'user')
    WHERE s.slot = c.slot AND s.run_id = c.run_id;
END $$;
COMMENT ON FUNCTION roster_private.note_fine_again IS 'Whatever is staged, present or gone, is quarantined no more, unless it turns out to be so again.';

-- Servers send entries again that did not change, and what left before it was ever taken.
CREATE FUNCTION roster_private.drop_unchanged(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_users  uuid[];
    v_groups uuid[];
BEGIN
    WITH gone AS (
        DELETE FROM staged_entity s USING user_claim k
        WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'user' AND s.present
          AND k.source_id = c.source_id AND k.key = s.key AND k.fingerprint = s.fingerprint AND k.missing_since IS NULL
        RETURNING s.key
    ) SELECT coalesce(array_agg(g.key), '{}') INTO v_users FROM gone g;
    WITH gone AS (
        DELETE FROM staged_entity s USING group_claim k
        WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'group' AND s.present
          AND k.source_id = c.source_id AND k.key = s.key AND k.fingerprint = s.fingerprint
        RETURNING s.key
    ) SELECT coalesce(array_agg(g.key), '{}') INTO v_groups FROM gone g;
    DELETE FROM staged_entity s
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND NOT s.present
      AND NOT EXISTS (SELECT FROM user_claim k WHERE s.kind = 'user' AND k.source_id = c.source_id AND k.key = s.key)
      AND NOT EXISTS (SELECT FROM group_claim k WHERE s.kind = 'group' AND k.source_id = c.source_id AND k.key = s.key);
    IF v_users <> '{}' THEN
        DELETE FROM staged_value s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind IN ('user', 'platform') AND s.key = ANY (v_users);
    END IF;
    IF v_groups <> '{}' THEN
        DELETE FROM staged_value s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'group' AND s.key = ANY (v_groups);
        DELETE FROM staged_edge s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.group_key = ANY (v_groups);
        DELETE FROM staged_pending s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.group_key = ANY (v_groups);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.drop_unchanged IS 'Takes out of staging what the source stated in the same words before, and the end of what it never stated.';

CREATE FUNCTION roster_private.grace_of(p_source_id integer) RETURNS interval
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT coalesce(config_time(s.config, 'grace'), interval '0') FROM source s WHERE s.source_id = p_source_id $$;
COMMENT ON FUNCTION roster_private.grace_of IS 'How long a user of a source may be missing before leaving.';

-- Whoever is missing stays until the grace is over, and leaves with the first run after it, whatever that run looked at. An
-- entry that is there and cannot be taken is not missing.
CREATE FUNCTION roster_private.settle_missing(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_since timestamptz := clock_timestamp() - grace_of(c.source_id);
BEGIN
    DELETE FROM staged_entity s USING user_claim k
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'user' AND NOT s.present
      AND k.source_id = c.source_id AND k.key = s.key AND k.missing_since > v_since;
    INSERT INTO staged_entity (slot, run_id, kind, present, key)
    SELECT c.slot, c.run_id, 'user', false, k.key
    FROM user_claim k
    WHERE k.source_id = c.source_id AND k.missing_since <= v_since
      AND NOT EXISTS (SELECT FROM staged_entity s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'user' AND s.key = k.key)
      AND NOT EXISTS (SELECT FROM staged_quarantine q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'user' AND q.entry_key = k.key
                      AND q.reason IS NOT NULL);
END $$;
COMMENT ON FUNCTION roster_private.settle_missing IS 'Stages the end of users whose grace is over, and nothing of those whose is not.';

-- What groups list and is nobody ---------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.apply_pending(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    DELETE FROM member_pending m USING plan_entity g
    WHERE g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.claim IN ('set', 'drop')
      AND m.source_id = c.source_id AND m.group_key = g.key
      AND NOT EXISTS (SELECT FROM plan_pending p WHERE p.slot = c.slot AND p.run_id = c.run_id
                      AND p.group_key = m.group_key AND p.reference = m.reference);
    INSERT INTO member_pending AS m (source_id, reference, group_key, former)
    SELECT c.source_id, p.reference, p.group_key, false FROM plan_pending p WHERE p.slot = c.slot AND p.run_id = c.run_id
    ON CONFLICT ON CONSTRAINT member_pending_pkey DO UPDATE SET former = false WHERE m.former;
    -- Who has read everything knows by what name each group lists each member.
    IF (SELECT r.complete FROM sync_run r WHERE r.run_id = c.run_id) IS FALSE THEN
        PERFORM keep_former_references(c);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.apply_pending IS 'Writes what the planned groups list and is nobody. Comes before the claims and the edges change.';

-- Nobody reports the groups of somebody who was renamed or is gone. Whoever is called so later may be a member of them.
CREATE FUNCTION roster_private.keep_former_references(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    INSERT INTO member_pending (source_id, reference, group_key, former)
    SELECT DISTINCT c.source_id, f.reference, g.key, true
    FROM plan_entity p
    JOIN user_claim k ON k.source_id = c.source_id AND k.key = p.key
    CROSS JOIN LATERAL (SELECT k.reference WHERE p.claim <> 'set' OR k.reference IS DISTINCT FROM p.reference
                        UNION SELECT k.uid_reference WHERE p.claim <> 'set' OR k.uid_reference IS DISTINCT FROM p.uid_reference) f
    JOIN membership m ON m.user_id = k.user_id AND m.source_id = c.source_id
    JOIN group_claim g ON g.source_id = c.source_id AND g.group_id = m.group_id
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim IS NOT NULL AND f.reference IS NOT NULL
      AND NOT EXISTS (SELECT FROM plan_entity h WHERE h.slot = c.slot AND h.run_id = c.run_id AND h.kind = 'group' AND h.claim = 'drop' AND h.key = g.key)
    ON CONFLICT DO NOTHING;
    INSERT INTO member_pending (source_id, reference, group_key, former)
    SELECT DISTINCT c.source_id, k.reference, g.key, true
    FROM plan_entity p
    JOIN group_claim k ON k.source_id = c.source_id AND k.key = p.key
    JOIN nesting n ON n.child_id = k.group_id AND n.source_id = c.source_id
    JOIN group_claim g ON g.source_id = c.source_id AND g.group_id = n.parent_id
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND k.reference IS NOT NULL
      AND (p.claim = 'drop' OR p.claim = 'set' AND k.reference IS DISTINCT FROM p.reference)
      AND NOT EXISTS (SELECT FROM plan_entity h WHERE h.slot = c.slot AND h.run_id = c.run_id AND h.kind = 'group' AND h.claim = 'drop' AND h.key = g.key)
    ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION roster_private.keep_former_references IS 'Keeps by what name the groups listed those who leave or are called otherwise from now on.';

-- What a run asks ------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.ldap_state(run_id bigint) RETURNS TABLE (cursor jsonb, full_due boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT CASE WHEN NOT r.full_read AND t.config_digest = r.config_digest AND NOT full_read_blocked(r.source_id) THEN t.cursor END,
           full_read_due(r.source_id)
    FROM sync_run r LEFT JOIN source_state t USING (source_id) WHERE r.run_id = ldap_state.run_id;
END $$;
COMMENT ON FUNCTION roster_private.ldap_state IS 'Where a run goes on. cursor NULL = everything is to be read: that was asked for, nothing was read yet, not in this way, or the configuration changed. full_due = it has been long since everything was read.';

-- What came of it must be decided first: runs that go on from before it would hide it.
CREATE FUNCTION roster_private.full_read_blocked(p_source_id integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT coalesce((SELECT r.state = 'blocked' AND r.complete FROM sync_run r
                     WHERE r.source_id = p_source_id AND r.mode = 'apply' AND r.state IN ('succeeded', 'blocked')
                     ORDER BY r.run_id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION roster_private.full_read_blocked IS 'Whether a run of a source that read everything was blocked, and none succeeded since.';

CREATE FUNCTION roster_private.is_blocked(p_source_id integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT coalesce((SELECT r.state = 'blocked' FROM sync_run r
                     WHERE r.source_id = p_source_id AND r.mode = 'apply' AND r.state IN ('succeeded', 'blocked')
                     ORDER BY r.run_id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION roster_private.is_blocked IS 'Whether a run of a source was blocked and none succeeded since.';

CREATE FUNCTION roster_private.full_every(p_config jsonb) RETURNS interval
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT coalesce(config_time(p_config, 'full_every'), interval '1 day') $$;
COMMENT ON FUNCTION roster_private.full_every IS 'After how long everything in a directory is read again.';

CREATE FUNCTION roster_private.full_read_due(p_source_id integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT coalesce((SELECT t.full_at + full_every(s.config) > clock_timestamp()
                     FROM source_state t JOIN source s USING (source_id) WHERE t.source_id = p_source_id), false) IS FALSE
$$;
COMMENT ON FUNCTION roster_private.full_read_due IS 'Whether it is time to read everything in a directory again.';

CREATE FUNCTION roster_private.ldap_members(run_id bigint, refs uuid[]) RETURNS TABLE (reference uuid, kind text, key uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_source integer := (SELECT r.source_id FROM sync_run r WHERE r.run_id = ldap_members.run_id);
BEGIN
    -- Who is missing is nobody: another may have the name.
    RETURN QUERY
    SELECT k.reference, 'user', k.key FROM user_claim k
    WHERE k.source_id = v_source AND k.reference = ANY (refs) AND k.missing_since IS NULL
    UNION
    SELECT k.uid_reference, 'user', k.key FROM user_claim k
    WHERE k.source_id = v_source AND k.uid_reference = ANY (refs) AND k.missing_since IS NULL
    UNION
    SELECT k.reference, 'group', k.key FROM group_claim k WHERE k.source_id = v_source AND k.reference = ANY (refs);
END $$;
COMMENT ON FUNCTION roster_private.ldap_members IS 'Who is meant by references, as the source of a run stated it last time.';

CREATE FUNCTION roster_private.ldap_known(run_id bigint, keys uuid[]) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_source integer := (SELECT r.source_id FROM sync_run r WHERE r.run_id = ldap_known.run_id);
BEGIN
    RETURN QUERY
    SELECT k.key FROM user_claim k WHERE k.source_id = v_source AND k.key = ANY (keys) AND k.missing_since IS NULL
    UNION
    SELECT k.key FROM group_claim k WHERE k.source_id = v_source AND k.key = ANY (keys);
END $$;
COMMENT ON FUNCTION roster_private.ldap_known IS 'Which of these users and groups the source of a run stated last time. Who was not there may be listed by groups under a name that nobody reported.';

CREATE FUNCTION roster_private.ldap_waiting(run_id bigint, refs uuid[]) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_source integer := (SELECT r.source_id FROM sync_run r WHERE r.run_id = ldap_waiting.run_id);
BEGIN
    RETURN QUERY
    SELECT DISTINCT g.external_id
    FROM member_pending m
    JOIN group_claim k ON k.source_id = v_source AND k.key = m.group_key
    JOIN app_group g ON g.group_id = k.group_id
    WHERE m.source_id = v_source AND m.reference = ANY (refs) AND g.external_id IS NOT NULL;
END $$;
COMMENT ON FUNCTION roster_private.ldap_waiting IS 'External ids of the groups that list one of the references without a member behind it, or whose member went by that name before.';

CREATE FUNCTION roster_private.ldap_again(run_id bigint) RETURNS TABLE (kind text, external_id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_source integer := (SELECT r.source_id FROM sync_run r WHERE r.run_id = ldap_again.run_id);
BEGIN
    RETURN QUERY
    SELECT a.kind, a.external_id
    FROM ((SELECT DISTINCT q.kind, q.entry ->> 'external_id' AS external_id
           FROM quarantined q
           WHERE q.source_id = v_source AND q.kind IN ('user', 'group') AND q.entry ->> 'external_id' IS NOT NULL LIMIT 800)
          UNION
          (SELECT 'user', u.external_id FROM user_claim k JOIN app_user u USING (user_id)
           WHERE k.source_id = v_source AND k.fingerprint IS NULL AND k.missing_since IS NULL AND u.external_id IS NOT NULL LIMIT 200)
          UNION
          -- Whoever is back without having changed is told by nobody.
          (SELECT 'user', u.external_id FROM user_claim k JOIN app_user u USING (user_id)
           WHERE k.source_id = v_source AND k.missing_since IS NOT NULL AND u.external_id IS NOT NULL LIMIT 200)) a;
END $$;
COMMENT ON FUNCTION roster_private.ldap_again IS 'Entries of the source of a run that are looked at again, whether or not they changed: quarantined ones, users who must be compared in full because somebody else let go of them, and missing ones. At most 1200.';

CREATE FUNCTION roster_private.ldap_containers(run_id bigint) RETURNS TABLE (key uuid, reference uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT d.key, d.reference FROM sync_run r JOIN directory_container d USING (source_id) WHERE r.run_id = ldap_containers.run_id;
END $$;
COMMENT ON FUNCTION roster_private.ldap_containers IS 'The containers of the source of a run, as they were last time.';

CREATE FUNCTION roster_private.carry_containers(p_run_id bigint, p_containers jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run sync_run;
BEGIN
    IF p_containers IS NULL THEN
        RETURN;
    END IF;
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = p_run_id;
    IF v_run.kept_rows IS NOT NULL THEN
        UPDATE sync_run r SET containers = p_containers WHERE r.run_id = p_run_id;
    ELSIF v_run.state = 'succeeded' THEN
        PERFORM store_containers(v_run.source_id, p_containers);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.carry_containers IS 'Records the containers that a run found, or has its kept plan carry them.';

CREATE FUNCTION roster_private.store_containers(p_source_id integer, p_containers jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_set jsonb := coalesce(nullif(p_containers -> 'set', 'null'), '{}');
BEGIN
    IF (p_containers ->> 'all')::boolean THEN
        DELETE FROM directory_container d WHERE d.source_id = p_source_id AND NOT v_set ? d.key::text;
    END IF;
    INSERT INTO directory_container AS d (source_id, key, reference)
    SELECT p_source_id, n.key::uuid, n.value::uuid FROM jsonb_each_text(v_set) n
    ON CONFLICT ON CONSTRAINT directory_container_pkey DO UPDATE SET reference = excluded.reference WHERE d.reference <> excluded.reference;
END $$;
COMMENT ON FUNCTION roster_private.store_containers IS 'Records containers: {"all": whether there are no others, "set": {key: reference}}.';

-- The end of a run -----------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.settle_directory(c roster_private.plan_context, p_override boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run sync_run;
BEGIN
    SELECT r.* INTO v_run FROM sync_run r JOIN source s USING (source_id)
    WHERE r.run_id = c.run_id AND r.complete IS NOT NULL AND s.kind = 'ldap';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO source_state (source_id) VALUES (c.source_id) ON CONFLICT DO NOTHING;
    IF v_run.complete OR p_override THEN
        UPDATE sync_run r SET removals = NULL WHERE r.source_id = c.source_id AND r.removals IS NOT NULL;
    ELSE
        UPDATE sync_run r SET removals = n.losses FROM (SELECT planned_losses(c) AS losses OFFSET 0) n
        WHERE r.run_id = c.run_id AND n.losses IS NOT NULL;
    END IF;
    IF v_run.complete THEN
        DELETE FROM member_pending m WHERE m.source_id = c.source_id AND m.former;
        IF v_run.full_read THEN
            PERFORM note_drift(v_run);
        END IF;
    END IF;
    PERFORM note_missing(c);
END $$;
COMMENT ON FUNCTION roster_private.settle_directory IS 'What is to be recorded once a run of a directory is applied. p_override = somebody let it through.';

CREATE FUNCTION roster_private.add_note(p_run_id bigint, p_note text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE sync_run r SET message = nullif(concat_ws('; ', r.message, p_note), '') WHERE r.run_id = p_run_id;
END $$;
COMMENT ON FUNCTION roster_private.add_note IS 'Adds to what the message of a run says.';

CREATE FUNCTION roster_private.note_missing(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_count bigint;
BEGIN
    -- There after all, if not to be taken.
    UPDATE user_claim k SET missing_since = NULL, fingerprint = NULL
    FROM staged_quarantine q
    WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'user' AND q.reason IS NOT NULL
      AND k.source_id = c.source_id AND k.key = q.entry_key AND k.missing_since IS NOT NULL;
    SELECT count(*) INTO v_count FROM user_claim k WHERE k.source_id = c.source_id AND k.missing_since IS NOT NULL;
    IF v_count > 0 THEN
        PERFORM add_note(c.run_id, format('%s missing and in grace', CASE v_count WHEN 1 THEN '1 user is' ELSE v_count || ' users are' END));
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.note_missing IS 'Says how many users the source no longer has whose grace is not over.';

CREATE FUNCTION roster_private.note_drift(p_run roster_private.sync_run) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_count bigint := p_run.added + p_run.changed + p_run.removed;
BEGIN
    -- Only then there was something to compare with.
    IF EXISTS (SELECT FROM source_state t WHERE t.source_id = p_run.source_id AND t.cursor IS NOT NULL AND t.config_digest = p_run.config_digest) THEN
        PERFORM add_note(p_run.run_id, CASE v_count
            WHEN 0 THEN 'full read: no difference to what incremental runs had brought'
            WHEN 1 THEN 'full read: 1 difference that incremental runs had not brought'
            ELSE format('full read: %s differences that incremental runs had not brought', v_count) END);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.note_drift IS 'Says how many differences a run that read everything found.';

-- One that failed or was blocked is not asked for again with every change.
CREATE FUNCTION roster_private.queue_reconcile(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF EXISTS (SELECT FROM sync_run r JOIN source s USING (source_id)
               WHERE r.run_id = c.run_id AND r.complete IS FALSE AND s.kind = 'ldap' AND s.enabled AND full_read_due(s.source_id)
                 AND NOT EXISTS (SELECT FROM sync_run f WHERE f.source_id = s.source_id AND f.full_read AND f.mode = 'apply'
                                 AND (f.queued_at > clock_timestamp() - least(full_every(s.config), interval '30 minutes') OR f.state = 'queued'))) THEN
        PERFORM new_run(c.source_id, 'apply', 'schedule', 'queued', true);
        NOTIFY roster_sync;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.queue_reconcile IS 'Asks for a run that reads everything when it is time, so that nothing that the directory did not report stays unseen.';

-- Live ------------------------------------------------------------------------------------------------------------------

CREATE VIEW roster_private.watched_directory AS
SELECT s.source_id, s.source, s.config, t.cursor
FROM roster_private.source s
JOIN roster_private.source_state t ON t.source_id = s.source_id AND t.cursor IS NOT NULL AND t.config_digest = roster_private.config_digest(s.config)
WHERE s.kind = 'ldap' AND s.enabled AND s.dropped_at IS NULL
  AND coalesce(s.config ->> 'live', 'true') <> 'false' AND coalesce(s.config ->> 'incremental', 'auto') <> 'off'
  -- Nothing tells that a time of change is newer than another: only a schedule finds out.
  AND t.cursor ->> 'mode' IS DISTINCT FROM 'modify_timestamp'
  AND NOT roster_private.is_held(s.source_id) AND NOT roster_private.is_blocked(s.source_id);
COMMENT ON VIEW roster_private.watched_directory IS 'Directories that can be watched for changes: read once, and nothing is in the way of reading on.';

CREATE FUNCTION roster_private.hold_live(holder uuid) RETURNS TABLE (source text, config jsonb, cursor jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    DELETE FROM source_live l
    WHERE l.holder = hold_live.holder AND l.source_id NOT IN (SELECT w.source_id FROM watched_directory w);
    INSERT INTO source_live AS l (source_id, holder, until)
    SELECT w.source_id, hold_live.holder, clock_timestamp() + lease_time() FROM watched_directory w ORDER BY w.source_id
    ON CONFLICT ON CONSTRAINT source_live_pkey DO UPDATE SET holder = excluded.holder, until = excluded.until
    -- The last bound: a clock that was set back must not make a lease last.
    WHERE l.holder = excluded.holder OR l.until < clock_timestamp() OR l.until > clock_timestamp() + lease_time();
    RETURN QUERY
    SELECT w.source, w.config, w.cursor FROM watched_directory w JOIN source_live l USING (source_id)
    WHERE l.holder = hold_live.holder ORDER BY w.source COLLATE "C";
END $$;
COMMENT ON FUNCTION roster_private.hold_live IS 'Takes the directories that no other daemon watches, keeps those that this one has for another while, and returns them with the cursor to go on from.';

CREATE FUNCTION roster_private.release_live(holder uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    DELETE FROM source_live l WHERE l.holder = release_live.holder;
END $$;
COMMENT ON FUNCTION roster_private.release_live IS 'Leaves the directories that a daemon watches to others.';

-- A run that waits will see the change, one that is under way may have read past it. After a failure the repetition reads on
-- from where the last run ended; a blocked source waits for a person.
CREATE FUNCTION roster_private.request_run(source text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(request_run.source);
BEGIN
    IF v_source.kind <> 'ldap' OR NOT v_source.enabled OR is_held(v_source.source_id) OR is_blocked(v_source.source_id)
       OR EXISTS (SELECT FROM sync_run r WHERE r.source_id = v_source.source_id AND r.state = 'queued' AND r.mode = 'apply')
       OR EXISTS (SELECT FROM source_retry t WHERE t.source_id = v_source.source_id AND t.retry_at > clock_timestamp()) THEN
        RETURN;
    END IF;
    PERFORM new_run(v_source.source_id, 'apply', 'event', 'queued');
    NOTIFY roster_sync;
END $$;
COMMENT ON FUNCTION roster_private.request_run IS 'Asks for a run of a directory that reported a change, unless one is asked for, or waits for something else. Errors: 42704 no such source.';
