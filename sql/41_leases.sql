-- Who may act for a source at this moment. A running run has a lease by the clock of the database, which its process renews
-- on a connection of its own, and a session lock, which ends with the connection of the run. Either one gone, the run is lost
-- and the source free. The lock of the source, held by transactions only, is taken by whoever claims, completes or ends.

CREATE TABLE roster_private.source_lease (
    source_id    integer PRIMARY KEY,
    run_id       bigint NOT NULL,
    until        timestamptz NOT NULL,
    timeout_at   timestamptz,
    cancelled_by text
);
COMMENT ON TABLE roster_private.source_lease IS 'Sources that are being run, none after a restore. until = when the lease ends unless it is renewed; timeout_at = when the run has taken too long; cancelled_by = who asked to stop it.';

CREATE TABLE roster_private.source_retry (
    source_id  integer PRIMARY KEY,
    failures   integer NOT NULL DEFAULT 0,
    retry_at   timestamptz,
    refusals   integer NOT NULL DEFAULT 0,
    hold_until timestamptz
);
COMMENT ON TABLE roster_private.source_retry IS 'Sources whose last run failed or was interrupted: how many failed in a row, and when the next attempt is due. refusals = how often the credentials were refused since they were not; until hold_until nothing but a person tries them again, or the account would be locked out.';

CREATE TABLE roster_private.source_live (
    source_id integer PRIMARY KEY,
    holder    uuid NOT NULL,
    until     timestamptz NOT NULL
);
COMMENT ON TABLE roster_private.source_live IS 'Which daemon watches a directory for changes, none after a restore. until = when its lease ends unless it is renewed.';

CREATE FUNCTION roster_private.lease_time() RETURNS interval
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT interval '10 seconds' $$;
COMMENT ON FUNCTION roster_private.lease_time IS 'How long a lease lasts that is not renewed.';

CREATE FUNCTION roster_private.run_key(p_run_id bigint) RETURNS integer
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT (p_run_id & 2147483647)::integer $$;
COMMENT ON FUNCTION roster_private.run_key IS 'Second key of the session lock that a run holds.';

CREATE FUNCTION roster_private.session_lives(p_run_id bigint) RETURNS boolean
    LANGUAGE sql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT NOT pg_try_advisory_xact_lock(lock_class('run'), run_key(p_run_id)) $$;
COMMENT ON FUNCTION roster_private.session_lives IS 'Whether the connection of a run is still there.';

CREATE FUNCTION roster_private.holder_lives(p_run_id bigint) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    -- The second bound: a clock that was set back must not make a lease last.
    IF NOT EXISTS (SELECT FROM source_lease l WHERE l.run_id = p_run_id AND l.until > v_now AND l.until <= v_now + lease_time()) THEN
        RETURN false;
    END IF;
    RETURN session_lives(p_run_id);
END $$;
COMMENT ON FUNCTION roster_private.holder_lives IS 'Whether a run still has its source: the lease has not ended, and neither has the connection.';

CREATE FUNCTION roster_private.running_run(p_source_id integer) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT l.run_id FROM source_lease l JOIN sync_run r USING (run_id)
    WHERE l.source_id = p_source_id AND r.state = 'running'
      AND clock_timestamp() BETWEEN l.until - lease_time() AND l.until
      AND EXISTS (SELECT FROM pg_locks k JOIN pg_database d ON d.oid = k.database
                  WHERE k.locktype = 'advisory' AND k.granted AND d.datname = current_database()
                    AND k.classid = lock_class('run')::oid AND k.objid = run_key(l.run_id)::oid)
$$;
COMMENT ON FUNCTION roster_private.running_run IS 'The run of a source that is under way and whose process lives, for who only looks.';

CREATE FUNCTION roster_private.take_source(p_source_id integer) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(lock_class('source'), p_source_id)
       OR EXISTS (SELECT FROM source_lease l WHERE l.source_id = p_source_id AND holder_lives(l.run_id)) THEN
        RETURN false;
    END IF;
    -- From here on nobody but this transaction acts for the source: what calls itself running has lost it. Its process may be
    -- recording the end right now, which counts.
    FOR v_run IN SELECT r.run_id FROM sync_run r WHERE r.source_id = p_source_id AND r.state = 'running' ORDER BY r.run_id FOR UPDATE LOOP
        PERFORM lose_run(v_run.run_id);
    END LOOP;
    RETURN true;
END $$;
COMMENT ON FUNCTION roster_private.take_source IS 'Takes a source for this transaction and fails the runs that lost it; false while another run has it. start_run makes a lease of it.';

CREATE FUNCTION roster_private.hold_source(p_source_id integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF NOT take_source(p_source_id) THEN
        RAISE EXCEPTION 'source "%" is being synchronised', (SELECT s.source FROM source s WHERE s.source_id = p_source_id)
            USING ERRCODE = 'lock_not_available', HINT = 'Wait until it is done: see roster.sync_runs.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.hold_source IS 'Keeps a source for this transaction: nobody else runs it. Error 55P03 while somebody does.';

CREATE FUNCTION roster_private.lose_run(p_run_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_asked text;
BEGIN
    -- Who asks from here on waits, and finds that there is nothing to cancel.
    SELECT l.cancelled_by INTO v_asked FROM source_lease l WHERE l.run_id = p_run_id FOR UPDATE;
    IF v_asked IS NOT NULL THEN
        PERFORM end_as(p_run_id, 'cancelled', format('cancelled by %s; its process was gone', v_asked));
        PERFORM note_outcome(p_run_id, false);
        RETURN;
    END IF;
    PERFORM end_as(p_run_id, 'failed',
        CASE WHEN session_lives(p_run_id)
             THEN format('its process stood still or was cut off for more than %s seconds and lost the source; nothing was written',
                         extract(epoch FROM lease_time())::integer)
             ELSE 'the process that ran it ended before it was done; nothing was written' END);
    PERFORM note_outcome(p_run_id, true);
END $$;
COMMENT ON FUNCTION roster_private.lose_run IS 'Ends a run whose process no longer has the source.';

-- The state says it all: whoever takes a source fails the run that lost it, and no one takes it before this transaction ends.
CREATE FUNCTION roster_private.fence_run(p_run_id bigint) RETURNS roster_private.sync_run
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run sync_run;
BEGIN
    PERFORM pg_advisory_xact_lock(lock_class('source'), r.source_id) FROM sync_run r WHERE r.run_id = p_run_id;
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = p_run_id FOR UPDATE;
    IF v_run.state IS DISTINCT FROM 'running' OR NOT pg_try_advisory_xact_lock(lock_class('run'), run_key(p_run_id)) THEN
        RAISE EXCEPTION 'run % is not this session''s to complete: it is %', p_run_id, coalesce(concat_ws(', ', v_run.state, v_run.message), 'unknown')
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Synchronise the source again.';
    END IF;
    RETURN v_run;
END $$;
COMMENT ON FUNCTION roster_private.fence_run IS 'The run, locked for the rest of the transaction with its source; an error when it is not this session''s to complete any more.';

CREATE FUNCTION roster_private.give_lease(p_run_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    PERFORM pg_advisory_lock(lock_class('run'), run_key(p_run_id));
    INSERT INTO source_lease (source_id, run_id, until, timeout_at)
    SELECT r.source_id, r.run_id, clock_timestamp() + lease_time(), clock_timestamp() + nullif(s.run_timeout, interval '0')
    FROM sync_run r JOIN source s USING (source_id) WHERE r.run_id = p_run_id
    ON CONFLICT (source_id) DO UPDATE
    SET run_id = excluded.run_id, until = excluded.until, timeout_at = excluded.timeout_at, cancelled_by = NULL;
END $$;
COMMENT ON FUNCTION roster_private.give_lease IS 'Gives a run its lease and its session lock; take_source came before.';

-- A lease that ended and that nobody took is as good as new. A row that is locked is being ended or cancelled: it is left alone.
CREATE FUNCTION roster_private.renew_leases(runs bigint[]) RETURNS TABLE (run_id bigint, verdict text, message text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE source_lease l SET until = clock_timestamp() + lease_time()
    WHERE l.source_id IN (SELECT k.source_id FROM source_lease k WHERE k.run_id = ANY (runs) FOR UPDATE SKIP LOCKED);
    RETURN QUERY
    SELECT n.run_id,
           CASE WHEN l.cancelled_by IS NOT NULL THEN 'cancelled' WHEN l.timeout_at <= clock_timestamp() THEN 'timed out'
                WHEN l.run_id IS NULL AND coalesce(r.state, 'failed') IN ('failed', 'cancelled') THEN 'lost' ELSE 'held' END,
           CASE WHEN l.cancelled_by IS NOT NULL THEN 'cancelled by ' || l.cancelled_by
                WHEN l.timeout_at <= clock_timestamp() THEN format('timed out after %s, the run_timeout of the source; nothing was written', s.run_timeout)
                WHEN l.run_id IS NULL THEN coalesce(r.message, 'nobody knows this run any more') END
    FROM unnest(runs) n(run_id)
    LEFT JOIN source_lease l ON l.run_id = n.run_id
    LEFT JOIN sync_run r ON r.run_id = n.run_id
    LEFT JOIN source s ON s.source_id = r.source_id;
END $$;
COMMENT ON FUNCTION roster_private.renew_leases IS 'Renews the leases of a process''s runs and says of each: held, lost, cancelled or timed out, with a message for people.';

-- How the next attempt is found: a failed schedule after a growing pause, what a daemon left undone at once.
CREATE FUNCTION roster_private.note_outcome(p_run_id bigint, p_interrupted boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run      sync_run;
    v_again    boolean;
    v_failures integer;
BEGIN
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = p_run_id;
    IF v_run.mode <> 'apply' THEN
        IF v_run.state = 'succeeded' THEN
            PERFORM end_hold(v_run.source_id);
        END IF;
        RETURN;
    END IF;
    IF v_run.state IN ('succeeded', 'blocked') THEN
        DELETE FROM source_retry t WHERE t.source_id = v_run.source_id;
        RETURN;
    END IF;
    -- Whoever called syncd sync knows that it was interrupted and decides.
    v_again := p_interrupted AND v_run.unattended;
    INSERT INTO source_retry AS t (source_id, failures) VALUES (v_run.source_id, (v_run.state = 'failed')::integer)
    ON CONFLICT (source_id) DO UPDATE SET failures = t.failures + excluded.failures
    RETURNING t.failures INTO v_failures;
    UPDATE source_retry t
    SET retry_at = CASE
        -- A run that takes its daemon with it every time must not do so without a pause.
        WHEN v_again AND (v_run.state = 'cancelled' OR v_failures = 1) THEN clock_timestamp()
        WHEN v_run.state = 'cancelled' THEN NULL
        WHEN v_again OR v_run.trigger <> 'manual' THEN
            least(clock_timestamp() + least(s.retry_after * 2.0 ^ least(v_failures - 1, 20), interval '30 minutes'), s.next_run_at)
        ELSE t.retry_at END
    FROM source s WHERE t.source_id = v_run.source_id AND s.source_id = v_run.source_id;
    IF v_again THEN
        NOTIFY roster_sync;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.note_outcome IS 'Counts failures of a source and sets when it is tried again, once a run has ended. p_interrupted = it was not the source that failed.';

-- A refused password counts towards a lock-out each time: a few attempts an hour are left.
CREATE FUNCTION roster_private.begin_hold(p_source_id integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    INSERT INTO source_retry AS t (source_id, refusals, hold_until) VALUES (p_source_id, 1, clock_timestamp() + interval '5 minutes')
    ON CONFLICT ON CONSTRAINT source_retry_pkey DO UPDATE
    SET refusals = t.refusals + 1,
        hold_until = clock_timestamp() + least(interval '5 minutes' * 2.0 ^ least(t.refusals, 10), interval '1 hour');
END $$;
COMMENT ON FUNCTION roster_private.begin_hold IS 'Has a source whose credentials were refused wait: five minutes, twice as long each time, an hour at most.';

CREATE FUNCTION roster_private.end_hold(p_source_id integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE source_retry t SET refusals = 0, hold_until = NULL WHERE t.source_id = p_source_id AND t.refusals > 0;
END $$;
COMMENT ON FUNCTION roster_private.end_hold IS 'The credentials of a source were accepted, or are others now.';

CREATE FUNCTION roster_private.is_held(p_source_id integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM source_retry t WHERE t.source_id = p_source_id AND t.hold_until > clock_timestamp()) $$;
COMMENT ON FUNCTION roster_private.is_held IS 'Whether the credentials of a source were refused a short while ago.';
