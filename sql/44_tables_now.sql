-- Tables of this database without a daemon: read now, or watched by a trigger.

CREATE FUNCTION roster.sync_table_now(source text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run    bigint := roster_private.begin_table_now(sync_table_now.source);
    v_staged roster_private.staged_table;
BEGIN
    v_staged := roster_private.stage_table(v_run);
    PERFORM roster_private.finish_table_now(v_run, v_staged.facts, v_staged.complete, v_staged.cursor);
    RETURN v_run;
END $$;
COMMENT ON FUNCTION roster.sync_table_now IS 'Synchronises a table source of this database at once, without a daemon, and returns run_id. The relation or query is read with the rights of the caller: never call it as a superuser. A run that the guard blocks is recorded and returned; any other trouble is an error that leaves nothing behind. Errors: 42704 unknown source, 22023 not a table of this database, 42501 no right to read it, 42P16 columns that do not fit, 55000 disabled, 55P03 it is being synchronised.';

CREATE FUNCTION roster_private.begin_table_now(p_source text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(p_source);
    v_run    bigint;
BEGIN
    PERFORM local_table(v_source);
    PERFORM check_pulled(v_source);
    PERFORM hold_source(v_source.source_id);
    -- It may have been changed before it was held.
    v_source := find_source(p_source);
    PERFORM check_pulled(v_source);
    v_run := new_run(v_source.source_id, 'apply', 'manual', 'queued');
    UPDATE sync_run r SET state = 'running', started_at = clock_timestamp(), slot = take_slot_now(), xact = pg_current_xact_id() WHERE r.run_id = v_run;
    RETURN v_run;
END $$;
COMMENT ON FUNCTION roster_private.begin_table_now IS 'Begins a run that this transaction carries out.';

CREATE FUNCTION roster_private.local_table(p_source roster_private.source) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_source.kind <> 'table' OR coalesce(jsonb_typeof(p_source.config -> 'connection'), 'null') <> 'null' THEN
        RAISE EXCEPTION 'source "%" is not a table of this database', p_source.source
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The daemon reads it: SELECT roster.sync_now(...).';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.local_table IS 'Refuses sources that are not a table of this database.';

CREATE FUNCTION roster_private.take_slot_now() RETURNS smallint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    FOR v_slot IN 1..16 LOOP
        IF pg_try_advisory_xact_lock(lock_class('slot'), v_slot) THEN
            PERFORM clear_slot(v_slot::smallint);
            RETURN v_slot;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'sixteen runs are under way in this database, more do not fit'
        USING ERRCODE = 'lock_not_available', HINT = 'Wait until one of them ends: see roster.sync_runs.';
END $$;
COMMENT ON FUNCTION roster_private.take_slot_now IS 'Takes a free slot of staging for this transaction and empties it.';

CREATE FUNCTION roster_private.finish_table_now(p_run_id bigint, p_facts bigint, p_complete boolean, p_cursor jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_run sync_run;
BEGIN
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = p_run_id AND r.state = 'running' AND r.xact = pg_current_xact_id() FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'run % is not this transaction''s to complete', p_run_id
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Call roster.sync_table_now().';
    END IF;
    PERFORM finish_facts(v_run, NULL, p_facts, p_complete, p_cursor, NULL);
END $$;
COMMENT ON FUNCTION roster_private.finish_table_now IS 'Plans, guards and applies what this transaction has read.';

-- Watched tables --------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster.watch_table(source text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_watched record := roster_private.watched_relation(watch_table.source);
    v_table   record;
BEGIN
    FOR v_table IN SELECT * FROM roster_private.watched_parts(v_watched.relation) LOOP
        IF v_table.relkind NOT IN ('r', 'p') THEN
            RAISE EXCEPTION '% is % and cannot be watched', v_table.relation,
                            CASE v_table.relkind WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table' ELSE 'no table' END
                USING ERRCODE = 'wrong_object_type', HINT = 'Watch the table below it by a source of its own, or synchronise by a schedule.';
        END IF;
    END LOOP;
    FOR v_table IN SELECT * FROM roster_private.watched_parts(v_watched.relation) LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roster_private.queue_watched(%s, %L)',
                       v_watched.name || '_insert', v_table.relation, v_watched.source_id, v_watched.user_column);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION roster_private.queue_watched(%s, %L)',
                       v_watched.name || '_update', v_table.relation, v_watched.source_id, v_watched.user_column);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION roster_private.queue_watched(%s, %L)',
                       v_watched.name || '_delete', v_table.relation, v_watched.source_id, v_watched.user_column);
        EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION roster_private.queue_watched(%s, %L)',
                       v_watched.name || '_truncate', v_table.relation, v_watched.source_id, v_watched.user_column);
    END LOOP;
    PERFORM roster_private.note_watched(v_watched.source_id);
END $$;
COMMENT ON FUNCTION roster.watch_table IS 'Makes the table of a table source live: triggers, created with the rights of the caller, queue the users whose rows change, and a daemon reads just those at once. Call it again after adding a partition. Errors: 42704 unknown source, 22023 not a table of this database, 42501 not the caller''s table, 42809 a view or foreign table.';

CREATE FUNCTION roster.unwatch_table(source text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_watched record := roster_private.watched_relation(unwatch_table.source);
    v_table   record;
    v_event   text;
BEGIN
    FOR v_table IN SELECT * FROM roster_private.watched_parts(v_watched.relation) LOOP
        FOREACH v_event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
            EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', v_watched.name || '_' || v_event, v_table.relation);
        END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION roster.unwatch_table IS 'Takes the triggers of watch_table away; what is queued is still read. Errors: 42704 unknown source, 22023 not a table of this database, 42501 not the caller''s table.';

CREATE FUNCTION roster_private.watched_relation(source text, OUT source_id integer, OUT relation text, OUT user_column text, OUT name text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(watched_relation.source);
    v_name   text[];
BEGIN
    PERFORM local_table(v_source);
    IF NOT v_source.config ? 'relation' THEN
        RAISE EXCEPTION 'source "%" reads a query, which cannot be watched', v_source.source
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it a relation, or synchronise by a schedule.';
    END IF;
    v_name := parse_ident(v_source.config ->> 'relation');
    source_id := v_source.source_id;
    relation := format('%I.%I', v_name[1], v_name[2]);
    user_column := v_source.config ->> 'user_column';
    name := 'roster_watch_' || v_source.source_id;
END $$;
COMMENT ON FUNCTION roster_private.watched_relation IS 'Table and user column of a source that can be watched.';

-- A statement that names a partition fires the triggers of that partition only.
CREATE FUNCTION roster_private.watched_parts(p_relation text) RETURNS TABLE (relation text, relkind "char")
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    WITH RECURSIVE part(oid) AS (
        SELECT p_relation::regclass::oid
        UNION
        SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid
    )
    SELECT format('%I.%I', n.nspname, c.relname), c.relkind FROM part p JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace
$$;
COMMENT ON FUNCTION roster_private.watched_parts IS 'A table with its partitions.';

CREATE FUNCTION roster_private.note_watched(p_source_id integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    -- What changed before there was a trigger is looked at once.
    INSERT INTO watch_queue (source_id) SELECT s.source_id FROM source s WHERE s.source_id = p_source_id AND s.kind = 'table' AND s.dropped_at IS NULL;
    NOTIFY roster_sync;
END $$;
COMMENT ON FUNCTION roster_private.note_watched IS 'Has a table read completely once it is watched.';

-- Runs as roster_owner for whoever writes the table. It sees the rows of the statement and calls nothing that the table's
-- owner could have made: format() uses the output function of the type, where a cast to text could be anybody's.
CREATE FUNCTION roster_private.queue_watched() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source_id integer := TG_ARGV[0]::integer;
    v_whos      text[];
    v_user      text := format('CASE WHEN pg_typeof(w.%1$I) = ''pg_catalog.bpchar''::regtype THEN rtrim(format(''%%s'', w.%1$I)) ELSE format(''%%s'', w.%1$I) END', TG_ARGV[1]);
    v_quiet     boolean;
BEGIN
    IF TG_OP <> 'TRUNCATE' THEN
        EXECUTE 'SELECT array_agg(DISTINCT u.who) FROM (' || concat_ws(' UNION ALL ',
            CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN format('SELECT %s AS who FROM old_rows w WHERE w.%I IS NOT NULL', v_user, TG_ARGV[1]) END,
            CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN format('SELECT %s AS who FROM new_rows w WHERE w.%I IS NOT NULL', v_user, TG_ARGV[1]) END) || ') u'
        INTO v_whos;
        IF v_whos IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    IF NOT EXISTS (SELECT FROM source s WHERE s.source_id = v_source_id AND s.kind = 'table' AND s.dropped_at IS NULL) THEN
        RETURN NULL;
    END IF;
    v_quiet := NOT EXISTS (SELECT FROM watch_queue q WHERE q.source_id = v_source_id AND q.taken_run IS NULL);
    IF TG_OP = 'TRUNCATE' OR cardinality(v_whos) > 10000 THEN
        INSERT INTO watch_queue (source_id) VALUES (v_source_id);
    ELSE
        INSERT INTO watch_queue (source_id, who) SELECT v_source_id, w FROM unnest(v_whos) w;
    END IF;
    -- NOTIFY makes commits queue up behind each other: only the first of a burst is told.
    IF v_quiet THEN
        NOTIFY roster_sync;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.queue_watched() IS 'Queues the users whose rows a statement changed. Arguments: source_id, user column.';
