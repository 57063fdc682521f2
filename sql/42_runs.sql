-- Runs of sources, from the claim to the end. The daemon calls these and nothing else; SQL calls that run a whole
-- source (drop_source) share finish_run.

CREATE TYPE roster_private.claimed_run AS (
    run_id bigint, slot smallint, source text, iam text, kind text, mode text, config jsonb);
CREATE TYPE roster_private.run_report AS (
    run_id bigint, source text, mode text, state text, read bigint, added bigint, changed bigint, removed bigint,
    quarantined bigint, message text);
COMMENT ON TYPE roster_private.claimed_run IS 'A run that the calling session may carry out.';
COMMENT ON TYPE roster_private.run_report IS 'How a run ended.';

CREATE FUNCTION roster_private.run_context(p_run_id bigint, p_slot smallint) RETURNS roster_private.plan_context
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT ROW(r.run_id, p_slot, s.source_id, s.iam_id, i.case_sensitive)::plan_context
    FROM sync_run r JOIN source s USING (source_id) JOIN iam i USING (iam_id) WHERE r.run_id = p_run_id
$$;
COMMENT ON FUNCTION roster_private.run_context IS 'Context of a run whose rows are in that slot.';

CREATE FUNCTION roster_private.take_slot() RETURNS smallint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    FOR v_slot IN 1..16 LOOP
        IF pg_try_advisory_lock(lock_class('slot'), v_slot) THEN
            PERFORM clear_slot(v_slot::smallint);
            RETURN v_slot;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.take_slot IS 'Takes a free slot of staging for this session and empties it; NULL when none is free.';

CREATE FUNCTION roster_private.start_run(p_run_id bigint, p_slot smallint, p_unattended boolean) RETURNS roster_private.claimed_run
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_claimed claimed_run;
BEGIN
    UPDATE sync_run r SET state = 'running', started_at = clock_timestamp(), slot = p_slot, unattended = p_unattended
    WHERE r.run_id = p_run_id;
    PERFORM give_lease(p_run_id);
    SELECT r.run_id, r.slot, s.source, i.iam, s.kind, r.mode, s.config INTO v_claimed
    FROM sync_run r JOIN source s USING (source_id) JOIN iam i USING (iam_id) WHERE r.run_id = p_run_id;
    -- It may be changed while the run reads: what is read is what this one says.
    UPDATE sync_run r SET config_digest = config_digest(v_claimed.config) WHERE r.run_id = p_run_id;
    RETURN v_claimed;
END $$;
COMMENT ON FUNCTION roster_private.start_run IS 'Turns a run of a source that this transaction has taken into a running one of this session.';

CREATE FUNCTION roster_private.new_run(p_source_id integer, p_mode text, p_trigger text, p_state text, p_full_read boolean DEFAULT false)
    RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    INSERT INTO sync_run (run_id, source_id, mode, trigger, state, full_read)
    VALUES (nextval('roster_private.run_id_seq'), p_source_id, p_mode, p_trigger, p_state, p_full_read) RETURNING run_id
$$;
COMMENT ON FUNCTION roster_private.new_run IS 'Records a run.';

CREATE FUNCTION roster_private.claim_run(source text, mode text DEFAULT 'apply', trigger text DEFAULT 'manual', full_read boolean DEFAULT false)
    RETURNS roster_private.claimed_run
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(claim_run.source);
    v_slot   smallint;
BEGIN
    PERFORM check_pulled(v_source);
    IF NOT take_source(v_source.source_id) THEN
        RAISE EXCEPTION 'source "%" is being synchronised by another process', v_source.source
            USING ERRCODE = 'lock_not_available', HINT = 'Wait until it is done: see roster.sync_runs.';
    END IF;
    -- It may have been dropped or disabled before it was taken.
    PERFORM check_pulled(find_source(v_source.source));
    v_slot := take_slot();
    IF v_slot IS NULL THEN
        RAISE EXCEPTION 'sixteen runs are under way in this database, more do not fit'
            USING ERRCODE = 'lock_not_available', HINT = 'Wait until one of them ends: see roster.sync_runs.';
    END IF;
    RETURN start_run(new_run(v_source.source_id, claim_run.mode, claim_run.trigger, 'queued', coalesce(claim_run.full_read, false)), v_slot, false);
END $$;
COMMENT ON FUNCTION roster_private.claim_run IS 'Starts a run of a source in this session; full_read: everything is read, whatever was read before. Errors: 42704 no such source, 55P03 another session runs it.';

CREATE FUNCTION roster_private.check_pulled(p_source roster_private.source) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_source.kind NOT IN ('ldap', 'table', 'endpoint') THEN
        RAISE EXCEPTION 'source "%" is of kind %: it is told what changes and cannot be synchronised', p_source.source, p_source.kind
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Synchronise sources of kind ldap, table or endpoint.';
    END IF;
    IF NOT p_source.enabled THEN
        RAISE EXCEPTION 'source "%" is disabled', p_source.source
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('SELECT roster.alter_source(%L, enabled => true);', p_source.source);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_pulled IS 'Refuses sources that are disabled or have nothing to read from.';

-- Runs that were asked for come first, then what watched tables report, then schedules and repetitions. A source that is
-- busy is left for the next look.
CREATE FUNCTION roster_private.claim_next_run() RETURNS SETOF roster_private.claimed_run
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run  bigint;
    v_slot smallint;
BEGIN
    PERFORM lose_lost_runs();
    v_run := coalesce(take_queued(), take_changed(), take_due());
    IF v_run IS NULL THEN
        RETURN;
    END IF;
    -- Without a free slot it is queued and stays so until there is one.
    v_slot := take_slot();
    IF v_slot IS NOT NULL THEN
        RETURN NEXT start_run(v_run, v_slot, true);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.claim_next_run IS 'Starts the next run that is due in this session: none or one row. Runs whose process is gone are failed first, and due again.';

CREATE FUNCTION roster_private.lose_lost_runs() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run record;
BEGIN
    FOR v_run IN SELECT r.run_id, r.source_id FROM sync_run r WHERE r.state = 'running' ORDER BY r.run_id LOOP
        IF NOT holder_lives(v_run.run_id) THEN
            PERFORM take_source(v_run.source_id);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.lose_lost_runs IS 'Ends the runs whose process is gone.';

CREATE FUNCTION roster_private.take_queued() RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run record;
BEGIN
    FOR v_run IN
        SELECT r.run_id, r.source_id FROM sync_run r JOIN source s USING (source_id)
        WHERE r.state = 'queued' AND s.enabled AND s.dropped_at IS NULL AND (r.trigger = 'manual' OR NOT is_held(s.source_id)) ORDER BY r.run_id FOR UPDATE OF r SKIP LOCKED
    LOOP
        IF take_source(v_run.source_id) THEN
            RETURN v_run.run_id;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.take_queued IS 'Takes the source of the first run that was asked for.';

CREATE FUNCTION roster_private.take_changed() RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source record;
BEGIN
    FOR v_source IN
        SELECT s.source_id FROM watched_sources_due() w(source_id) JOIN source s USING (source_id) LEFT JOIN source_retry t USING (source_id)
        WHERE s.enabled AND s.dropped_at IS NULL AND (t.retry_at IS NULL OR t.retry_at <= clock_timestamp())
          AND (t.hold_until IS NULL OR t.hold_until <= clock_timestamp())
          -- Somebody has to decide first: what waits would be read and blocked again and again.
          AND 'blocked' IS DISTINCT FROM (SELECT r.state FROM sync_run r WHERE r.source_id = s.source_id AND r.mode = 'apply'
                                          ORDER BY r.run_id DESC LIMIT 1)
    LOOP
        IF take_source(v_source.source_id) THEN
            RETURN new_run(v_source.source_id, 'apply', 'event', 'queued');
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.take_changed IS 'Takes the first source whose watched table reports a change.';

CREATE FUNCTION roster_private.take_due() RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source;
    v_now    timestamptz := clock_timestamp();
BEGIN
    FOR v_source IN
        SELECT s.* FROM source s LEFT JOIN source_retry t USING (source_id)
        WHERE s.enabled AND s.dropped_at IS NULL AND (s.next_run_at <= v_now OR t.retry_at <= v_now)
          AND (t.hold_until IS NULL OR t.hold_until <= v_now)
        ORDER BY least(s.next_run_at, t.retry_at) FOR UPDATE OF s SKIP LOCKED
    LOOP
        IF take_source(v_source.source_id) THEN
            -- However many times were missed, one run catches up.
            UPDATE source s SET next_run_at = cron_next(s.schedule, s.time_zone, v_now)
            WHERE s.source_id = v_source.source_id AND s.next_run_at <= v_now;
            UPDATE source_retry t SET retry_at = NULL WHERE t.source_id = v_source.source_id;
            RETURN new_run(v_source.source_id, 'apply', 'schedule', 'queued');
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.take_due IS 'Takes the source that has been due for longest, by its schedule or to be tried again.';

CREATE FUNCTION roster_private.next_due() RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT least(CASE WHEN d.at IS NOT NULL THEN greatest(d.at, clock_timestamp() + interval '1 second') END,
                 -- Not every change of a watched table is told by NOTIFY: see queue_watched().
                 (SELECT clock_timestamp() + interval '0.5 seconds' WHERE EXISTS (
                      SELECT FROM source s WHERE s.kind = 'table' AND NOT s.config ? 'connection' AND s.enabled AND s.dropped_at IS NULL)))
    FROM (SELECT least(
        (SELECT min(CASE WHEN t.hold_until > clock_timestamp() THEN t.hold_until ELSE least(s.next_run_at, t.retry_at) END)
         FROM source s LEFT JOIN source_retry t USING (source_id) WHERE s.enabled AND s.dropped_at IS NULL),
        -- Then a run is lost, or its lease was renewed.
        (SELECT min(l.until) FROM source_lease l)) AS at) d
$$;
COMMENT ON FUNCTION roster_private.next_due IS 'When there may be something to do next: a schedule, a repetition, a lease that ends. At least a second from now, half a second where a table may be watched; NULL when there is nothing.';

CREATE FUNCTION roster_private.source_config(source text) RETURNS TABLE (source text, iam text, kind text, config jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT s.source, i.iam, s.kind, s.config FROM find_source(source_config.source) s JOIN iam i USING (iam_id)
$$;
COMMENT ON FUNCTION roster_private.source_config IS 'How a source is configured.';

CREATE FUNCTION roster_private.known_entities(run_id bigint) RETURNS TABLE (kind text, key uuid, fingerprint uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT 'user', k.key, CASE WHEN k.missing_since IS NULL THEN k.fingerprint END FROM sync_run r JOIN user_claim k USING (source_id) WHERE r.run_id = known_entities.run_id
    UNION ALL
    SELECT 'group', k.key, k.fingerprint FROM sync_run r JOIN group_claim k USING (source_id) WHERE r.run_id = known_entities.run_id
$$;
COMMENT ON FUNCTION roster_private.known_entities IS 'What the source of a run stated last time: what still has its fingerprint need not be staged.';

-- A plan that knows the slot locks this run's partitions only. One that leaves it open (SQL functions, and PL/pgSQL once
-- it keeps a generic plan) locks all of them, and two runs that end at once then deadlock on emptying their slots.
CREATE FUNCTION roster_private.complete_run(run_id bigint, read bigint, entities bigint, vals bigint, edges bigint,
                                            quarantined bigint, note text DEFAULT NULL, pending bigint DEFAULT 0,
                                            complete boolean DEFAULT true, cursor jsonb DEFAULT NULL, containers jsonb DEFAULT NULL)
    RETURNS roster_private.run_report
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_run    sync_run := fence_run(complete_run.run_id);
    c        plan_context := run_context(v_run.run_id, v_run.slot);
    v_staged bigint[];
BEGIN
    v_staged := ARRAY[
        (SELECT count(*) FROM staged_entity s WHERE s.slot = c.slot AND s.run_id = c.run_id),
        (SELECT count(*) FROM staged_value s WHERE s.slot = c.slot AND s.run_id = c.run_id),
        (SELECT count(*) FROM staged_edge s WHERE s.slot = c.slot AND s.run_id = c.run_id),
        (SELECT count(*) FROM staged_quarantine s WHERE s.slot = c.slot AND s.run_id = c.run_id),
        (SELECT count(*) FROM staged_pending s WHERE s.slot = c.slot AND s.run_id = c.run_id)];
    IF v_staged <> ARRAY[entities, vals, edges, quarantined, pending] THEN
        RAISE EXCEPTION 'staging of run % is incomplete: % rows are there, % were sent', v_run.run_id, v_staged,
                        ARRAY[entities, vals, edges, quarantined, pending]
            USING ERRCODE = 'data_corrupted', HINT = 'PostgreSQL may have restarted in between. Synchronise the source again.';
    END IF;
    UPDATE sync_run r SET read = complete_run.read, message = note, complete = complete_run.complete, cursor = complete_run.cursor
    WHERE r.run_id = c.run_id;
    PERFORM finish_run(c.run_id, c.slot, settle_staging(c, complete_run.complete));
    PERFORM carry_containers(c.run_id, complete_run.containers);
    RETURN report_of(c.run_id);
END $$;
COMMENT ON FUNCTION roster_private.complete_run IS 'Plans, guards and applies what a run has staged, in this transaction. The numbers say how many rows were staged: read is for the record, the others must agree. complete = what is not staged is as it was; false: nothing is known of what was not looked at, and what is staged may be unchanged. cursor = where the next run goes on, NULL = it reads everything; containers = {"all": whether others are gone, "set": {key: reference}}. Both are stored with the data.';

CREATE FUNCTION roster_private.report_of(p_run_id bigint) RETURNS roster_private.run_report
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT ROW(r.run_id, s.source, r.mode, r.state, r.read, r.added, r.changed, r.removed, r.quarantined, r.message)::run_report
    FROM sync_run r JOIN source s USING (source_id) WHERE r.run_id = p_run_id
$$;
COMMENT ON FUNCTION roster_private.report_of IS 'How a run stands.';

CREATE FUNCTION roster_private.finish_run(p_run_id bigint, p_slot smallint, p_differs boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    c         plan_context := run_context(p_run_id, p_slot);
    v_verdict text;
BEGIN
    IF p_differs THEN
        PERFORM lock_iam(c.iam_id, true);
        PERFORM reject_unusable(c);
        PERFORM make_plan(c);
        PERFORM count_plan(c);
        v_verdict := guard_verdict(c);
    END IF;
    PERFORM conclude_run(c, p_differs, v_verdict);
END $$;
COMMENT ON FUNCTION roster_private.finish_run IS 'Plan, guard, apply. p_differs = something was staged.';

CREATE FUNCTION roster_private.conclude_run(c roster_private.plan_context, p_differs boolean, p_verdict text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_mode text;
BEGIN
    UPDATE sync_run r SET quarantined = (SELECT count(DISTINCT (q.kind, q.key)) FROM staged_quarantine q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.reason IS NOT NULL)
    WHERE r.run_id = c.run_id RETURNING r.mode INTO v_mode;
    IF v_mode = 'plan' OR p_verdict IS NOT NULL THEN
        IF v_mode = 'apply' THEN
            PERFORM forget_plans(c.source_id, true);
        END IF;
        PERFORM keep_plan(c);
        PERFORM end_as(c.run_id, CASE v_mode WHEN 'plan' THEN 'succeeded' ELSE 'blocked' END, p_verdict);
    ELSE
        IF p_differs THEN
            PERFORM apply_plan(c);
            PERFORM forget_plans(c.source_id, false);
            PERFORM refresh_statistics(c);
        ELSE
            PERFORM apply_links(c);
        END IF;
        PERFORM store_quarantine(c);
        PERFORM settle_directory(c);
        PERFORM store_state(c.run_id);
        PERFORM end_as(c.run_id, 'succeeded', NULL);
        PERFORM queue_reconcile(c);
    END IF;
    PERFORM clear_slot(c.slot);
    IF p_differs THEN
        PERFORM number_changes();
        NOTIFY roster_changes;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.conclude_run IS 'Applies a plan, or keeps it when that is what was asked for or the guard says so (p_verdict). p_differs = the plan lists something.';

-- After a first sync the planner would take the facts for empty until autovacuum comes by.
CREATE FUNCTION roster_private.refresh_statistics(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF (SELECT r.changes > 10000 FROM run r WHERE r.run_id = c.run_id) THEN
        ANALYZE app_user, user_claim, user_link, app_group, group_claim, membership, nesting, user_attribute, group_attribute,
                group_closure, group_effective, member_pending, platform_username;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.refresh_statistics IS 'Analyses the facts after a run that changed many.';

CREATE FUNCTION roster_private.reject_unusable(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    WITH gone AS (
        DELETE FROM staged_entity s
        WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.present
          AND (is_blank(s.name) OR octet_length(s.name) > 1000 OR octet_length(s.external_id) > 1000)
        RETURNING s.*
    ), waits AS (
        -- Groups that list it find it when it can be taken.
        INSERT INTO staged_pending (slot, run_id, group_key, reference)
        SELECT c.slot, c.run_id, e.group_key, r.reference
        FROM gone g
        JOIN staged_edge e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = g.kind AND e.member_key = g.key
        CROSS JOIN LATERAL unnest(ARRAY[g.reference, g.uid_reference]) r(reference) WHERE r.reference IS NOT NULL
    )
    INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry, entry_key)
    SELECT c.slot, c.run_id, g.kind, left(g.external_id, 200),
           CASE WHEN is_blank(g.name) THEN 'the name is empty' ELSE 'name or id is longer than 1000 bytes' END,
           jsonb_build_object('name', left(g.name, 200), 'external_id', left(g.external_id, 200)), g.key
    FROM gone g;

    -- The user is taken, without that name.
    WITH gone AS (
        DELETE FROM staged_value s
        WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'platform'
          AND (is_blank(s.value) OR octet_length(s.value) > 1000 OR is_blank(s.name) OR octet_length(s.name) > 1000)
        RETURNING s.*
    )
    INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry, entry_key)
    SELECT c.slot, c.run_id, 'platform_username', concat_ws(' ', left(e.external_id, 200), left(g.name, 200)),
           CASE WHEN is_blank(g.value) OR is_blank(g.name) THEN 'the platform username is empty' ELSE 'the platform username is longer than 1000 bytes' END,
           jsonb_build_object('user', left(e.name, 200), 'platform', left(g.name, 200)), g.key
    FROM gone g JOIN staged_entity e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.key = g.key;
END $$;
COMMENT ON FUNCTION roster_private.reject_unusable IS 'Quarantines staged entities and platform usernames that no index can hold.';

CREATE FUNCTION roster_private.count_plan(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE sync_run r SET added = n.added, changed = n.changed, removed = n.removed
    FROM (SELECT count(*) FILTER (WHERE p.op = 'add') AS added, count(*) FILTER (WHERE p.op = 'change') AS changed,
                 count(*) FILTER (WHERE p.op = 'remove') AS removed
          FROM (SELECT e.op FROM plan_entity e WHERE e.slot = c.slot AND e.run_id = c.run_id
                UNION ALL SELECT v.op FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id
                UNION ALL SELECT e.op FROM plan_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id) p) n
    WHERE r.run_id = c.run_id;
END $$;
COMMENT ON FUNCTION roster_private.count_plan IS 'Records how many changes a plan lists.';

-- Rows move to the logged slot 0, where they survive a crash until somebody applies them or they are out of date.
CREATE FUNCTION roster_private.keep_plan(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_rows  bigint;
    v_total bigint := 0;
BEGIN
    UPDATE plan_entity p SET slot = 0 WHERE p.slot = c.slot AND p.run_id = c.run_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
    UPDATE plan_value p SET slot = 0 WHERE p.slot = c.slot AND p.run_id = c.run_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
    UPDATE plan_edge p SET slot = 0 WHERE p.slot = c.slot AND p.run_id = c.run_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
    UPDATE plan_link p SET slot = 0 WHERE p.slot = c.slot AND p.run_id = c.run_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
    UPDATE plan_pending p SET slot = 0 WHERE p.slot = c.slot AND p.run_id = c.run_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
    UPDATE staged_quarantine q SET slot = 0 WHERE q.slot = c.slot AND q.run_id = c.run_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
    UPDATE sync_run r SET kept_rows = v_total, base = pg_current_snapshot(), base_at = clock_timestamp() WHERE r.run_id = c.run_id;
END $$;
COMMENT ON FUNCTION roster_private.keep_plan IS 'Keeps a plan for apply_run.';

CREATE FUNCTION roster_private.forget_plans(p_source_id integer, p_blocked_only boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_runs bigint[];
BEGIN
    WITH old AS (
        UPDATE sync_run r SET kept_rows = NULL, base = NULL, containers = NULL
        WHERE r.source_id = p_source_id AND r.kept_rows IS NOT NULL AND (r.state = 'blocked' OR NOT p_blocked_only) RETURNING r.run_id
    ) SELECT array_agg(o.run_id) INTO v_runs FROM old o;
    IF v_runs IS NOT NULL THEN
        DELETE FROM plan_entity p WHERE p.slot = 0 AND p.run_id = ANY (v_runs);
        DELETE FROM plan_value p WHERE p.slot = 0 AND p.run_id = ANY (v_runs);
        DELETE FROM plan_edge p WHERE p.slot = 0 AND p.run_id = ANY (v_runs);
        DELETE FROM plan_link p WHERE p.slot = 0 AND p.run_id = ANY (v_runs);
        DELETE FROM plan_pending p WHERE p.slot = 0 AND p.run_id = ANY (v_runs);
        DELETE FROM staged_quarantine q WHERE q.slot = 0 AND q.run_id = ANY (v_runs);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.forget_plans IS 'Drops the kept plans of a source: all once its data changed, the blocked ones once a newer run is blocked.';

CREATE FUNCTION roster_private.quarantined_user(key text, entry jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN entry ? 'user' THEN entry ->> 'user' ELSE key END;
COMMENT ON FUNCTION roster_private.quarantined_user IS 'Whom a quarantined entry of a fact source is about; NULL when it does not say.';

CREATE FUNCTION roster_private.store_quarantine(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF (SELECT r.complete FROM sync_run r WHERE r.run_id = c.run_id) IS NOT FALSE THEN
        DELETE FROM quarantined q WHERE q.source_id = c.source_id
            AND NOT EXISTS (SELECT FROM staged_quarantine s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = q.kind AND s.key = q.key
                            AND s.reason IS NOT NULL);
    ELSE
        -- A partial run knows of the users that it looked at, and of nobody else.
        DELETE FROM quarantined q USING (SELECT DISTINCT name_key(s.who, false) AS key FROM staged_fact s WHERE s.slot = c.slot AND s.run_id = c.run_id) seen
        WHERE q.source_id = c.source_id AND name_key(quarantined_user(q.key, q.entry), false) = seen.key
            AND NOT EXISTS (SELECT FROM staged_quarantine s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = q.kind AND s.key = q.key);
        -- An entry may stand there under another name than it has now: its key tells.
        DELETE FROM quarantined q USING staged_quarantine s
        WHERE s.slot = c.slot AND s.run_id = c.run_id AND q.source_id = c.source_id AND q.kind = s.kind
            AND (s.entry_key IS NOT NULL AND q.entry_key = s.entry_key AND (s.reason IS NULL OR q.key <> s.key)
                 OR s.entry_key IS NULL AND s.reason IS NULL AND q.key = s.key)
            AND NOT EXISTS (SELECT FROM staged_quarantine o WHERE o.slot = c.slot AND o.run_id = c.run_id AND o.kind = q.kind AND o.key = q.key
                            AND o.reason IS NOT NULL);
    END IF;
    INSERT INTO quarantined AS q (source_id, kind, key, run_id, reason, entry, entry_key)
    SELECT DISTINCT ON (s.kind, s.key) c.source_id, s.kind, s.key, c.run_id, s.reason, s.entry, s.entry_key
    FROM staged_quarantine s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.reason IS NOT NULL ORDER BY s.kind, s.key, s.reason
    ON CONFLICT (source_id, kind, key) DO UPDATE SET run_id = excluded.run_id, reason = excluded.reason, entry = excluded.entry, entry_key = excluded.entry_key
    WHERE (q.reason, q.entry, q.entry_key) IS DISTINCT FROM (excluded.reason, excluded.entry, excluded.entry_key);
END $$;
COMMENT ON FUNCTION roster_private.store_quarantine IS 'Makes the quarantine of a source what its run found, as far as the run looked; an entry that is fine again leaves it.';

CREATE FUNCTION roster_private.end_as(p_run_id bigint, p_state text, p_message text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE sync_run r SET state = p_state, finished_at = clock_timestamp(), message = nullif(concat_ws('; ', p_message, r.message), '')
    WHERE r.run_id = p_run_id;
    DELETE FROM source_lease l WHERE l.run_id = p_run_id;
    IF p_state IN ('succeeded', 'blocked') THEN
        PERFORM note_outcome(p_run_id, false);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.end_as IS 'Ends a run and gives its source free; p_message is put before what its message says already.';

CREATE FUNCTION roster_private.end_run(run_id bigint, state text, message text, interrupted boolean DEFAULT false, hold boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_slot      smallint;
    v_source_id integer;
BEGIN
    IF state NOT IN ('failed', 'cancelled') THEN
        RAISE EXCEPTION 'argument "state" must be failed or cancelled, not %', state USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT r.slot, r.source_id INTO v_slot, v_source_id FROM sync_run r WHERE r.run_id = end_run.run_id AND r.state = 'running' FOR UPDATE;
    IF FOUND THEN
        PERFORM end_as(end_run.run_id, end_run.state, end_run.message);
        PERFORM note_outcome(end_run.run_id, end_run.interrupted);
        IF end_run.hold AND end_run.state = 'failed' THEN
            PERFORM begin_hold(v_source_id);
        END IF;
        IF pg_try_advisory_lock(lock_class('slot'), v_slot) THEN
            PERFORM clear_slot(v_slot);
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.end_run IS 'Ends a running run without effect: state failed or cancelled, message for people. interrupted = the daemon was stopped or lost its connection: the source is due again at once. hold = the credentials were refused: nothing but a person tries them again for a while.';

CREATE FUNCTION roster.apply_run(run_id bigint, override_guard boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_run     sync_run;
    c         plan_context := run_context(apply_run.run_id, 0::smallint);
BEGIN
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = apply_run.run_id FOR UPDATE;
    IF NOT FOUND OR v_run.kept_rows IS NULL THEN
        RAISE EXCEPTION 'run % has no plan that could be applied', apply_run.run_id
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE WHEN v_run.run_id IS NULL THEN 'See roster.sync_runs.' ELSE format('It %s; make a new plan: SELECT roster.plan(...).', v_run.state) END;
    END IF;
    PERFORM hold_source(v_run.source_id);
    PERFORM lock_iam(c.iam_id, true);
    PERFORM check_base(c, v_run);
    PERFORM apply_kept(c, override_guard);
    RETURN c.run_id;
END $$;
COMMENT ON FUNCTION roster.apply_run(bigint, boolean) IS 'Applies exactly the plan of a run that was planned or blocked, and returns run_id. Refused (40001) when the data of the identity manager changed since. A plan beyond the guard stays blocked unless override_guard is true; who overrode is in roster.changes.';

CREATE FUNCTION roster_private.check_base(c roster_private.plan_context, p_run roster_private.sync_run) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    -- Times narrow it down to few runs, snapshots decide: times alone could tie.
    IF EXISTS (SELECT FROM run r
               WHERE (r.at >= p_run.base_at - interval '1 minute' OR r.at IS NULL) AND c.iam_id = ANY (r.iam_ids)
                 AND NOT pg_visible_in_snapshot(r.xact, p_run.base)) THEN
        RAISE EXCEPTION 'the data changed since the plan of run % was made', p_run.run_id
            USING ERRCODE = 'serialization_failure', HINT = 'Synchronise the source again and look at the new plan.';
    END IF;
    PERFORM expect_rows('kept plan', p_run.kept_rows,
        (SELECT count(*) FROM plan_entity p WHERE p.slot = 0 AND p.run_id = c.run_id)
        + (SELECT count(*) FROM plan_value p WHERE p.slot = 0 AND p.run_id = c.run_id)
        + (SELECT count(*) FROM plan_edge p WHERE p.slot = 0 AND p.run_id = c.run_id)
        + (SELECT count(*) FROM plan_link p WHERE p.slot = 0 AND p.run_id = c.run_id)
        + (SELECT count(*) FROM plan_pending p WHERE p.slot = 0 AND p.run_id = c.run_id)
        + (SELECT count(*) FROM staged_quarantine q WHERE q.slot = 0 AND q.run_id = c.run_id));
END $$;
COMMENT ON FUNCTION roster_private.check_base IS 'Refuses a kept plan whose identity manager changed since it was made.';

CREATE FUNCTION roster_private.apply_kept(c roster_private.plan_context, p_override boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_verdict    text := guard_verdict(c);
    v_containers jsonb := (SELECT r.containers FROM sync_run r WHERE r.run_id = c.run_id);
BEGIN
    IF v_verdict IS NOT NULL AND p_override IS NOT TRUE THEN
        UPDATE sync_run r SET state = 'blocked', mode = 'apply', finished_at = clock_timestamp(), message = v_verdict WHERE r.run_id = c.run_id;
        RETURN;
    END IF;
    PERFORM apply_plan(c);
    IF v_verdict IS NOT NULL THEN
        PERFORM record_config(c.run_id, 'add', 'override', c.iam_id, (SELECT s.source FROM source s WHERE s.source_id = c.source_id),
                              NULL, NULL, to_jsonb(v_verdict));
    END IF;
    IF (SELECT r.drops_source FROM sync_run r WHERE r.run_id = c.run_id) THEN
        PERFORM close_source(c);
    END IF;
    PERFORM store_quarantine(c);
    PERFORM settle_directory(c, p_override AND v_verdict IS NOT NULL);
    PERFORM forget_plans(c.source_id, false);
    PERFORM store_state(c.run_id);
    UPDATE sync_run r SET state = 'succeeded', mode = 'apply', finished_at = clock_timestamp(), message = v_verdict WHERE r.run_id = c.run_id;
    PERFORM carry_containers(c.run_id, v_containers);
    PERFORM note_outcome(c.run_id, false);
    PERFORM number_changes();
    NOTIFY roster_changes;
END $$;
COMMENT ON FUNCTION roster_private.apply_kept IS 'Applies a kept plan, or marks its run as blocked.';
