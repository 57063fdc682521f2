-- What operators watch: totals of runs that outlive the runs, the state of each source, the lag of the feed.

CREATE TABLE roster_private.run_total (
    source_id   integer NOT NULL,
    mode        text NOT NULL,
    state       text NOT NULL,
    runs        bigint NOT NULL,
    timed       bigint NOT NULL,
    seconds     double precision NOT NULL,
    buckets     bigint[] NOT NULL,
    read        bigint NOT NULL,
    added       bigint NOT NULL,
    changed     bigint NOT NULL,
    removed     bigint NOT NULL,
    quarantined bigint NOT NULL,
    PRIMARY KEY (source_id, mode, state)
);
COMMENT ON TABLE roster_private.run_total IS 'What the runs of a source came to, by mode and state. timed of them were begun and ended by a daemon, took seconds in all, and are counted in buckets by how long they took: up to each of run_buckets(), the last one above.';
-- The last run of a source is looked for whenever somebody looks at the source.
CREATE INDEX sync_run_finished ON roster_private.sync_run (source_id, finished_at DESC);

CREATE FUNCTION roster_private.run_buckets() RETURNS double precision[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY[0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600]::double precision[];
COMMENT ON FUNCTION roster_private.run_buckets IS 'Upper limits of the times by which runs are counted, in seconds.';

-- A run that waited for a decision counts once as blocked and once as what it came to; only the first was timed.
CREATE FUNCTION roster_private.count_run() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_seconds double precision := CASE WHEN OLD.state = 'running' THEN extract(epoch FROM NEW.finished_at - NEW.started_at) END;
    v_buckets bigint[] := array_fill(0, ARRAY[cardinality(run_buckets()) + 1]);
    v_bucket  integer := width_bucket(v_seconds, run_buckets()) + 1;
BEGIN
    IF v_seconds IS NOT NULL THEN
        v_buckets[v_bucket] := 1;
    END IF;
    INSERT INTO run_total AS t (source_id, mode, state, runs, timed, seconds, buckets, read, added, changed, removed, quarantined)
    VALUES (NEW.source_id, NEW.mode, NEW.state, 1, (v_seconds IS NOT NULL)::integer, coalesce(v_seconds, 0), v_buckets,
            NEW.read, NEW.added, NEW.changed, NEW.removed, NEW.quarantined)
    ON CONFLICT ON CONSTRAINT run_total_pkey DO UPDATE
    SET runs = t.runs + 1, timed = t.timed + excluded.timed, seconds = t.seconds + excluded.seconds,
        buckets = ARRAY(SELECT b.was + b.more FROM unnest(t.buckets, excluded.buckets) WITH ORDINALITY b(was, more, no) ORDER BY b.no),
        read = t.read + excluded.read, added = t.added + excluded.added, changed = t.changed + excluded.changed,
        removed = t.removed + excluded.removed, quarantined = t.quarantined + excluded.quarantined;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.count_run IS 'Adds a run that ended to run_total.';
-- Not when runs are inserted: pg_restore brings them, and the totals with them.
CREATE TRIGGER count_run AFTER UPDATE ON roster_private.sync_run FOR EACH ROW
    WHEN (NEW.state IN ('succeeded', 'failed', 'blocked', 'cancelled') AND (NEW.state, NEW.mode) IS DISTINCT FROM (OLD.state, OLD.mode)
          AND NEW.finished_at IS NOT NULL)
    EXECUTE FUNCTION roster_private.count_run();

CREATE TYPE roster.source_state AS (
    source text, iam text, kind text, enabled boolean, health text, schedule text, time_zone text, next_run_at timestamptz,
    last_run_id bigint, last_success_at timestamptz, last_error text,
    running_run_id bigint, running_since timestamptz, failures bigint, retry_at timestamptz,
    read bigint, added bigint, changed bigint, removed bigint, quarantined bigint, dead_letters bigint, stale_values bigint);
COMMENT ON TYPE roster.source_state IS 'How a source is doing. read, added, changed and removed are those of last_run_id; quarantined, dead_letters and stale_values are how many there are now; failures are those since the last success.';

CREATE FUNCTION roster.source_states(count_stale boolean DEFAULT false) RETURNS SETOF roster.source_state
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_source record;
    v_state  roster.source_state;
    v_run    sync_run;
BEGIN
    FOR v_source IN
        SELECT s.source_id, s.config, to_jsonb(v) AS shown FROM roster.sources v JOIN source s ON s.source = v.source AND s.dropped_at IS NULL
        ORDER BY v.iam COLLATE "C", v.source COLLATE "C"
    LOOP
        v_state := jsonb_populate_record(NULL::roster.source_state, v_source.shown);
        IF NOT v_source.shown ? 'running_run_id' THEN
            SELECT r.run_id INTO v_state.running_run_id FROM sync_run r
            WHERE r.source_id = v_source.source_id AND r.state = 'running' ORDER BY r.run_id DESC LIMIT 1;
        END IF;
        SELECT r.started_at INTO v_state.running_since FROM sync_run r WHERE r.run_id = v_state.running_run_id;
        v_state.failures := coalesce(v_state.failures, failures_in_a_row(v_source.source_id));
        SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = v_state.last_run_id;
        v_state.read := v_run.read;
        v_state.added := v_run.added;
        v_state.changed := v_run.changed;
        v_state.removed := v_run.removed;
        v_state.quarantined := (SELECT count(*) FROM roster.quarantine q WHERE q.source = v_state.source);
        v_state.dead_letters := dead_letters_of(v_source.source_id);
        IF source_states.count_stale THEN
            v_state.stale_values := stale_values_of(v_source.source_id, max_age(v_source.config));
        END IF;
        RETURN NEXT v_state;
    END LOOP;
END $$;
COMMENT ON FUNCTION roster.source_states IS 'How each source is doing: as roster.sources, with the run that is under way, failures since the last success, the figures of the last run, and what waits for somebody to look at it. count_stale counts the values on users that are past the max_age of their source, which reads all values of that source.';

CREATE FUNCTION roster_private.failures_in_a_row(p_source_id integer) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT count(*) FROM sync_run r
    WHERE r.source_id = p_source_id AND r.mode = 'apply' AND r.state = 'failed'
      AND r.finished_at > coalesce((SELECT o.finished_at FROM sync_run o WHERE o.source_id = p_source_id AND o.mode = 'apply'
                                      AND o.state IN ('succeeded', 'blocked') ORDER BY o.finished_at DESC LIMIT 1), '-infinity')
$$;
COMMENT ON FUNCTION roster_private.failures_in_a_row IS 'How many runs of a source failed since one did not.';

CREATE FUNCTION roster_private.dead_letters_of(p_source_id integer) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_count bigint := 0;
BEGIN
    IF to_regclass('roster_private.push_letter') IS NOT NULL THEN
        SELECT count(*) INTO v_count FROM push_letter l WHERE l.source_id = p_source_id AND l.state = 'dead';
    END IF;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION roster_private.dead_letters_of IS 'How many events of a source could not be taken and wait for somebody to look at them.';

CREATE FUNCTION roster_private.stale_values_of(p_source_id integer, p_max_age interval) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_linked boolean := false;
    v_count  bigint;
BEGIN
    IF p_max_age IS NULL THEN
        RETURN 0;
    END IF;
    IF to_regclass('roster_private.user_link') IS NOT NULL THEN
        v_linked := EXISTS (SELECT FROM user_link l WHERE l.source_id = p_source_id);
    END IF;
    IF v_linked THEN
        SELECT count(*) INTO v_count
        FROM user_attribute a JOIN app_user u ON u.user_id = a.user_id AND u.active LEFT JOIN run t ON t.run_id = a.opened_run
        LEFT JOIN (SELECT l.user_id, max(l.confirmed_at) AS at FROM user_link l WHERE l.source_id = p_source_id GROUP BY l.user_id) c ON c.user_id = a.user_id
        WHERE a.source_id = p_source_id AND greatest(coalesce(t.at, t.begun), c.at) < statement_timestamp() - p_max_age;
    ELSE
        SELECT count(*) INTO v_count
        FROM user_attribute a JOIN app_user u ON u.user_id = a.user_id AND u.active LEFT JOIN run t ON t.run_id = a.opened_run
        LEFT JOIN (SELECT r.user_id, max(r.confirmed_at) AS at FROM scim_user r WHERE r.source_id = p_source_id GROUP BY r.user_id) c ON c.user_id = a.user_id
        WHERE a.source_id = p_source_id AND greatest(coalesce(t.at, t.begun), c.at) < statement_timestamp() - p_max_age;
    END IF;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION roster_private.stale_values_of IS 'How many values on active users are past the max_age of their source.';

CREATE FUNCTION roster_private.run_totals() RETURNS TABLE (
    source text, iam text, mode text, state text, runs bigint, timed bigint, seconds double precision, buckets bigint[],
    read bigint, added bigint, changed bigint, removed bigint, quarantined bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT s.source, i.iam, t.mode, t.state, t.runs, t.timed, t.seconds, t.buckets, t.read, t.added, t.changed, t.removed, t.quarantined
    FROM run_total t JOIN source s USING (source_id) JOIN iam i USING (iam_id)
    WHERE s.dropped_at IS NULL
    ORDER BY i.iam COLLATE "C", s.source COLLATE "C", t.mode COLLATE "C", t.state COLLATE "C"
$$;
COMMENT ON FUNCTION roster_private.run_totals IS 'run_total by the names of sources that are there.';

CREATE FUNCTION roster.feed_state() RETURNS TABLE (waiting_runs bigint, lag_seconds double precision, webhooks jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(r.at)), 0)
    INTO feed_state.waiting_runs, feed_state.lag_seconds
    FROM run r WHERE r.first_change_id IS NULL AND r.at IS NOT NULL AND r.changes > 0;
    IF to_regclass('roster.webhooks') IS NOT NULL THEN
        SELECT jsonb_agg(jsonb_build_object(
                   'webhook', w.shown ->> 'label', 'iam', w.shown ->> 'iam', 'enabled', (w.shown ->> 'enabled')::boolean,
                   'pending', coalesce((w.shown ->> 'pending')::bigint, 0), 'failed', coalesce((w.shown ->> 'failed')::bigint, 0),
                   'lag_seconds', coalesce(extract(epoch FROM (w.shown ->> 'lag')::interval), 0), 'last_error', w.shown ->> 'last_error')
               ORDER BY w.shown ->> 'label' COLLATE "C")
        INTO feed_state.webhooks FROM (SELECT to_jsonb(v) AS shown FROM roster.webhooks v) w;
    END IF;
    feed_state.webhooks := coalesce(feed_state.webhooks, '[]');
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION roster.feed_state IS 'Runs whose changes have no number in the feed yet, the age of the oldest, and webhooks with what they have still to deliver: webhook (its label), iam, enabled, pending, failed, lag_seconds, last_error.';
