-- Who may act for a source at this moment.

CREATE FUNCTION roster_private.hold_source(p_source_id integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(lock_class('source'), p_source_id) THEN
        RAISE EXCEPTION 'the source is being synchronised'
            USING ERRCODE = 'lock_not_available', HINT = 'Wait until it is done: see roster.sync_runs.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.hold_source IS 'Keeps a source for this transaction: nobody else runs it. Error 55P03 while somebody does.';

CREATE FUNCTION roster_private.fence_run(p_run_id bigint) RETURNS roster_private.sync_run
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run sync_run;
BEGIN
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = p_run_id FOR UPDATE;
    IF v_run.state IS DISTINCT FROM 'running' OR NOT pg_try_advisory_lock(lock_class('source'), v_run.source_id) THEN
        RAISE EXCEPTION 'run % is not this session''s to complete (it is %)', p_run_id, coalesce(v_run.state, 'unknown')
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Synchronise the source again.';
    END IF;
    RETURN v_run;
END $$;
COMMENT ON FUNCTION roster_private.fence_run IS 'The run, locked for the rest of the transaction; an error when it is not this session''s to complete any more.';
