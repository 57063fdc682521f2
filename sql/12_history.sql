-- The facts are their own history: whatever leaves a fact table moves to its twin, whoever made it leave.

DO $$
DECLARE
    v_fact text;
BEGIN
    FOREACH v_fact IN ARRAY ARRAY['app_user', 'app_group', 'membership', 'nesting', 'user_attribute', 'group_attribute',
                                  'user_permission', 'group_permission', 'platform_username'] LOOP
        -- The columns of the fact come last, so that one added to both later stays aligned.
        EXECUTE format(
            'CREATE TABLE roster_private.%I (closed_run bigint NOT NULL, closed_no integer NOT NULL, ended boolean NOT NULL, LIKE roster_private.%I)',
            v_fact || '_history', v_fact);
        EXECUTE format('CREATE INDEX ON roster_private.%I (closed_run, closed_no)', v_fact || '_history');
        EXECUTE format('CREATE INDEX ON roster_private.%I (opened_run, opened_no)', v_fact || '_history');
        EXECUTE format('COMMENT ON TABLE roster_private.%I IS %L', v_fact || '_history',
            'Rows that left ' || v_fact || ': true from the time of opened_run up to, not including, that of closed_run; ended = not followed by a newer version.');
    END LOOP;
END $$;
CREATE INDEX app_user_history_version ON roster_private.app_user_history (user_id, version);
CREATE INDEX app_group_history_version ON roster_private.app_group_history (group_id, version);
CREATE INDEX membership_history_user ON roster_private.membership_history (user_id);
CREATE INDEX user_attribute_history_user ON roster_private.user_attribute_history (user_id);
CREATE INDEX group_attribute_history_group ON roster_private.group_attribute_history (group_id);

-- The run that is being written. Set by the calls of this schema right before they write, so a value set by
-- anybody else is never read.
CREATE FUNCTION roster_private.write_as(p_run_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    PERFORM set_config('roster_private.run', p_run_id::text, true);
END $$;
COMMENT ON FUNCTION roster_private.write_as IS 'Names the run that the following writes of this transaction belong to.';

CREATE FUNCTION roster_private.take_numbers(p_run_id bigint, p_count bigint) RETURNS integer
    -- PL/pgSQL keeps the plan: single changes come by here once or twice each.
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_first integer;
BEGIN
    UPDATE run r SET changes = r.changes + p_count WHERE r.run_id = p_run_id RETURNING r.changes - p_count INTO v_first;
    RETURN v_first;
END $$;
COMMENT ON FUNCTION roster_private.take_numbers IS 'Reserves ordinals for p_count changes of a run: result + 1 .. result + p_count.';

CREATE FUNCTION roster_private.keep_history() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run   bigint := nullif(current_setting('roster_private.run', true), '')::bigint;
    v_count bigint;
    v_moved text;
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    -- A new version supersedes the old one; a name merely given up is no new version.
    v_moved := CASE TG_OP
        WHEN 'DELETE' THEN 'old_rows o'
        ELSE format('old_rows o JOIN new_rows n ON n.%1$I = o.%1$I AND n.version <> o.version', TG_ARGV[0]) END;
    EXECUTE 'SELECT count(*) FROM ' || v_moved INTO v_count;
    IF v_count = 0 THEN
        RETURN NULL;
    END IF;
    IF v_run IS NULL OR NOT EXISTS (SELECT FROM run r WHERE r.run_id = v_run AND r.xact = pg_current_xact_id()) THEN
        RAISE EXCEPTION 'table % keeps history and cannot be written directly', TG_TABLE_NAME
            USING HINT = 'Call the functions of schema roster.';
    END IF;
    EXECUTE format('INSERT INTO %I SELECT $1, $2 + row_number() OVER (), $3, o.* FROM ', TG_TABLE_NAME || '_history') || v_moved
        USING v_run, take_numbers(v_run, v_count), TG_OP = 'DELETE';
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.keep_history IS 'Moves rows that are deleted or superseded to the _history twin of their table.';

DO $$
DECLARE
    v_fact text;
BEGIN
    FOREACH v_fact IN ARRAY ARRAY['app_user', 'app_group', 'membership', 'nesting', 'user_attribute', 'group_attribute',
                                  'user_permission', 'group_permission', 'platform_username'] LOOP
        EXECUTE format('CREATE TRIGGER keep_history AFTER DELETE ON roster_private.%I REFERENCING OLD TABLE AS old_rows
                        FOR EACH STATEMENT EXECUTE FUNCTION roster_private.keep_history()', v_fact);
    END LOOP;
END $$;
CREATE TRIGGER keep_versions AFTER UPDATE ON roster_private.app_user
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION roster_private.keep_history('user_id');
CREATE TRIGGER keep_versions AFTER UPDATE ON roster_private.app_group
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION roster_private.keep_history('group_id');

-- A run takes effect when it commits, not when it began, or an answer about the past would change later.
CREATE FUNCTION roster_private.stamp_run() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE run r SET at = clock_timestamp() WHERE r.run_id = NEW.run_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.stamp_run IS 'Gives a run of single calls its time at commit. Rows loaded by pg_restore have theirs and do not fire it.';
CREATE CONSTRAINT TRIGGER stamp_run AFTER INSERT ON roster_private.run
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.at IS NULL)
    EXECUTE FUNCTION roster_private.stamp_run();

-- Numbering, afterwards and one at a time: what a reader has seen numbered, nothing can slip in below.
CREATE FUNCTION roster_private.number_changes() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_numbered bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(lock_class('numbering'), 0) THEN
        RETURN 0;
    END IF;
    WITH last AS (
        SELECT coalesce((SELECT r.first_change_id + r.changes FROM run r WHERE r.first_change_id IS NOT NULL
                         ORDER BY r.first_change_id DESC LIMIT 1), 1) AS next_id
    ), todo AS (
        SELECT r.run_id, sum(r.changes) OVER (ORDER BY r.at, r.run_id) - r.changes AS before
        FROM run r WHERE r.first_change_id IS NULL AND r.at IS NOT NULL AND r.changes > 0
          -- SET CONSTRAINTS can stamp the single changes of this transaction early, and more may follow.
          AND NOT (r.single AND r.xact IS NOT DISTINCT FROM pg_current_xact_id_if_assigned() AND r.begun = transaction_timestamp())
    )
    UPDATE run r SET first_change_id = last.next_id + todo.before FROM todo, last WHERE r.run_id = todo.run_id;
    GET DIAGNOSTICS v_numbered = ROW_COUNT;
    RETURN v_numbered;
END $$;
COMMENT ON FUNCTION roster_private.number_changes IS 'Gives the changes of every run that is visible and not numbered yet their change_id, in the order of the runs'' times. Returns the number of runs; 0 while another session is at it.';

CREATE FUNCTION roster_private.lock_class(p_name text) RETURNS integer
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT CASE p_name WHEN 'iam' THEN 1919907700 WHEN 'numbering' THEN 1919907701 WHEN 'source' THEN 1919907702
                             WHEN 'slot' THEN 1919907703 WHEN 'pending' THEN 1919907704
                             WHEN 'scim_log' THEN 1919907705 WHEN 'push' THEN 1919907706 WHEN 'run' THEN 1919907710 END $$;
COMMENT ON FUNCTION roster_private.lock_class IS 'First key of the advisory locks that pg_roster takes; the second is an id.';
