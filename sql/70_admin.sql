-- Administration: identity managers, sources, guards, schedules.

CREATE FUNCTION roster.create_identity_manager(iam text, kind text DEFAULT 'builtin', display_name text DEFAULT NULL,
                                               case_sensitive boolean DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name text := clean_name('iam', create_identity_manager.iam);
    v_kind text := clean_name('kind', create_identity_manager.kind);
    v_id   integer;
BEGIN
    INSERT INTO iam (iam, kind, display_name, case_sensitive, options)
    VALUES (v_name, v_kind, create_identity_manager.display_name,
            coalesce(create_identity_manager.case_sensitive, v_kind NOT IN ('ldap', 'scim')), coalesce(create_identity_manager.options, '{}'))
    ON CONFLICT DO NOTHING RETURNING iam_id INTO v_id;
    IF v_id IS NULL OR v_name = 'bim' THEN
        RAISE EXCEPTION 'identity manager "%" exists already', v_name
            USING ERRCODE = 'unique_violation', HINT = 'Argument "iam": pick another, or see roster.identity_managers ("bim" is another word for builtin).';
    END IF;
    PERFORM record_config(single_run(v_id), 'add', 'identity_manager', v_id, v_name, NULL, NULL, to_jsonb(i)) FROM iam i WHERE i.iam_id = v_id;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION roster.create_identity_manager IS 'Creates an identity manager and returns its id. case_sensitive NULL = by kind: usernames of ldap and scim compare without case, others exactly. Errors: 22023 empty name, 23505 name taken.';

CREATE FUNCTION roster.drop_identity_manager(iam text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam iam := find_iam(drop_identity_manager.iam);
BEGIN
    PERFORM lock_iam(v_iam.iam_id, true);
    IF v_iam.iam_id = 1 THEN
        RAISE EXCEPTION 'the built-in identity manager cannot be dropped' USING ERRCODE = 'invalid_parameter_value', HINT = 'Argument "iam": name another.';
    END IF;
    IF EXISTS (SELECT FROM app_user u WHERE u.iam_id = v_iam.iam_id) OR EXISTS (SELECT FROM app_group g WHERE g.iam_id = v_iam.iam_id AND g.active)
       OR EXISTS (SELECT FROM source s WHERE s.iam_id = v_iam.iam_id AND s.dropped_at IS NULL) THEN
        RAISE EXCEPTION 'identity manager "%" still has users, groups or sources', v_iam.iam
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Drop its sources (roster.drop_source), delete its groups and users (roster.delete_group, roster.delete_user), then try again.';
    END IF;
    IF EXISTS (SELECT FROM webhook w WHERE w.iam_id = v_iam.iam_id) THEN
        RAISE EXCEPTION 'identity manager "%" still has webhooks', v_iam.iam
            USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Drop them with roster.drop_webhook() once roster.webhooks shows that nothing is pending.';
    END IF;
    PERFORM record_config(single_run(v_iam.iam_id), 'remove', 'identity_manager', v_iam.iam_id, v_iam.iam, NULL, to_jsonb(v_iam), NULL);
    UPDATE iam i SET dropped_at = clock_timestamp(), enabled = false WHERE i.iam_id = v_iam.iam_id;
END $$;
COMMENT ON FUNCTION roster.drop_identity_manager IS 'Drops an identity manager that has no users, groups, sources and webhooks left. Errors: 42704 unknown iam, 2BP01 it still has some.';

-- Sources -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.config_keys(p_kind text) RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT CASE p_kind
        WHEN 'ldap' THEN ARRAY['urls', 'start_tls', 'ca_file', 'client_cert', 'client_key', 'bind_dn', 'bind_password', 'user_base',
            'user_filter', 'sync_filter', 'group_base', 'group_filter', 'username_attribute', 'id_attribute', 'profile', 'attributes',
            'platforms', 'group_name_attribute', 'group_attributes', 'membership', 'page_size', 'incremental', 'timeout_seconds',
            'allow_clear_text', 'server', 'bind', 'live', 'full_every', 'overlap_seconds', 'grace', 'active']
        WHEN 'table' THEN ARRAY['connection', 'relation', 'query', 'format', 'user_column', 'name_column', 'value_column',
            'attributes_column', 'split', 'updated_at_column', 'deleted_column', 'overlap', 'full_every', 'prefix', 'match_by', 'create_users', 'max_age']
        WHEN 'endpoint' THEN ARRAY['url', 'mode', 'auth', 'ca_file', 'client_cert', 'client_key', 'allow_clear_text', 'sync_groups', 'sync_attributes',
            'match_by', 'prefix', 'concurrency', 'timeout_seconds', 'max_age']
        WHEN 'scim' THEN ARRAY['profile', 'sync_groups', 'sync_attributes', 'attribute_mapping', 'profile_mapping', 'attributes', 'group_attributes',
            'permissions', 'platforms', 'max_age', 'rate_limit']
        WHEN 'push' THEN ARRAY['match_by', 'create_users', 'prefix', 'max_age', 'signing_secret', 'rate_limit']
        WHEN 'login' THEN ARRAY['max_age'] END
$$;
COMMENT ON FUNCTION roster_private.config_keys IS 'Keys that the configuration of a source of that kind may have; NULL for an unknown kind.';

CREATE FUNCTION roster_private.check_config(p_kind text, p_config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_key  text;
    v_keys text[] := config_keys(p_kind);
BEGIN
    IF v_keys IS NULL THEN
        RAISE EXCEPTION 'argument "kind" must be ldap, scim, table, endpoint, push or login, not "%"', p_kind
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Facts stated by SQL calls need no source of their own.';
    END IF;
    IF p_config IS NULL OR jsonb_typeof(p_config) <> 'object' THEN
        RAISE EXCEPTION 'argument "config" must be a JSON object' USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''{"page_size": 1000}''.';
    END IF;
    SELECT k INTO v_key FROM jsonb_object_keys(p_config) k WHERE k <> ALL (v_keys) ORDER BY k COLLATE "C" LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'config has unknown key "%"', v_key
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Keys of kind %s: %s.', p_kind, array_to_string(v_keys, ', '));
    END IF;
    FOREACH v_key IN ARRAY ARRAY['bind_password', 'connection', 'auth', 'client_key', 'signing_secret'] LOOP
        PERFORM check_secret(v_key, p_config -> v_key);
    END LOOP;
    PERFORM check_max_age(p_config);
    IF p_kind = 'push' THEN
        PERFORM check_push(p_config);
    END IF;
    IF p_kind = 'ldap' THEN
        PERFORM check_time('full_every', p_config), check_time('grace', p_config);
    END IF;
    IF p_kind = 'table' THEN
        PERFORM check_table_config(p_config);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_config IS 'Refuses unknown keys and inline secrets; the daemon checks the rest when it reads the configuration.';

CREATE FUNCTION roster_private.check_max_age(p_config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_config ? 'max_age' AND jsonb_typeof(p_config -> 'max_age') <> 'null' AND coalesce(max_age(p_config) <= interval '0', true) THEN
        RAISE invalid_parameter_value;
    END IF;
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'config key "max_age" must be seconds or an interval, not %', p_config -> 'max_age'
        USING ERRCODE = 'invalid_parameter_value', HINT = 'For example "max_age": "90 days".';
END $$;
COMMENT ON FUNCTION roster_private.check_max_age IS 'Refuses a max_age that is no time.';

-- The error must not repeat the value: it may be the secret.
CREATE FUNCTION roster_private.check_secret(p_key text, p_value jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_value IS NULL OR jsonb_typeof(p_value) = 'null' THEN
        RETURN;
    END IF;
    IF jsonb_typeof(p_value) <> 'object'
       OR (SELECT count(*) <> 1 OR bool_or(e.key NOT IN ('env', 'file') OR jsonb_typeof(e.value) <> 'string') FROM jsonb_each(p_value) e) THEN
        RAISE EXCEPTION 'config key "%" holds a secret and must name where it is kept', p_key
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write {"env": "NAME"} for a variable of the daemon''s environment or {"file": "name"} for a file in its --secrets-dir.';
    END IF;
    IF p_value ->> 'env' = 'DATABASE_URL' OR p_value ->> 'env' LIKE 'PG%' THEN
        RAISE EXCEPTION 'config key "%" must not name the daemon''s own database variables', p_key
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Keep the secret in a variable of its own.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_secret IS 'Accepts a reference to a secret only.';

CREATE FUNCTION roster_private.next_time(p_schedule text, p_time_zone text) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT cron_next(p_schedule, p_time_zone, clock_timestamp()) $$;
COMMENT ON FUNCTION roster_private.next_time IS 'When a schedule fires next; NULL without one.';

CREATE FUNCTION roster_private.check_schedule(p_schedule text, p_time_zone text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_schedule IS NOT NULL AND cron_next(p_schedule, p_time_zone, clock_timestamp()) IS NULL THEN
        RAISE EXCEPTION 'schedule "%" never fires', p_schedule
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Fields are minute, hour, day, month, weekday: ''0 * * * *'' is every hour.';
    END IF;
    -- An unknown time zone is an error even before there is a schedule.
    PERFORM cron_next('0 0 * * *', p_time_zone, clock_timestamp());
END $$;
COMMENT ON FUNCTION roster_private.check_schedule IS 'Refuses schedules that cannot be read or never fire, and unknown time zones.';

CREATE FUNCTION roster.create_source(source text, iam text, kind text, config jsonb DEFAULT '{}', schedule text DEFAULT NULL,
                                     priority integer DEFAULT 0, time_zone text DEFAULT 'UTC', run_timeout interval DEFAULT '4 hours',
                                     retry_after interval DEFAULT '1 minute') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam      iam := find_iam(create_source.iam);
    v_name     text := clean_name('source', create_source.source);
    -- Directories and endpoints are read hourly unless told otherwise.
    v_schedule text := coalesce(create_source.schedule, CASE WHEN create_source.kind IN ('ldap', 'endpoint') THEN '0 * * * *' END);
    v_id       integer;
BEGIN
    PERFORM check_config(create_source.kind, create_source.config);
    PERFORM check_schedule(v_schedule, create_source.time_zone);
    PERFORM check_times(create_source.run_timeout, create_source.retry_after);
    PERFORM lock_iam(v_iam.iam_id, false);
    BEGIN
        INSERT INTO source (source, iam_id, kind, config, schedule, time_zone, next_run_at, priority, run_timeout, retry_after)
        VALUES (v_name, v_iam.iam_id, create_source.kind, create_source.config, v_schedule, create_source.time_zone,
                next_time(v_schedule, create_source.time_zone), coalesce(create_source.priority, 0),
                coalesce(create_source.run_timeout, '4 hours'), coalesce(create_source.retry_after, '1 minute'))
        RETURNING source_id INTO v_id;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'source "%" exists already', v_name USING ERRCODE = 'unique_violation', HINT = 'Argument "source": pick another, or see roster.sources.';
    END;
    PERFORM audit_source('add', v_id, NULL);
    RETURN v_id;
END $$;
COMMENT ON FUNCTION roster.create_source IS 'Creates a source of an identity manager and returns its id. schedule: cron(5), NULL = hourly for ldap and endpoint, none for others. config: by kind, see docs/sources.md; unknown keys and inline secrets are refused. run_timeout: a run that takes longer fails, 0 = no limit. retry_after: the pause before a failed scheduled run is repeated, doubled each time, half an hour at most. Errors: 42704 unknown iam, 22023 bad kind, config, schedule, time zone or time, 23505 name taken.';

CREATE FUNCTION roster_private.audit_source(p_change text, p_source_id integer, p_before jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source;
BEGIN
    SELECT s.* INTO v_source FROM source s WHERE s.source_id = p_source_id;
    PERFORM record_config(single_run(v_source.iam_id), p_change, 'source', v_source.iam_id, v_source.source, NULL, p_before,
                          CASE WHEN p_change <> 'remove' THEN to_jsonb(v_source) END);
    NOTIFY roster_sync;
END $$;
COMMENT ON FUNCTION roster_private.audit_source IS 'Audits a change of a source and wakes the daemons.';

CREATE FUNCTION roster.alter_source(source text, config jsonb DEFAULT NULL, schedule text DEFAULT NULL, priority integer DEFAULT NULL,
                                    time_zone text DEFAULT NULL, enabled boolean DEFAULT NULL, run_timeout interval DEFAULT NULL,
                                    retry_after interval DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(alter_source.source);
    v_before jsonb;
BEGIN
    PERFORM refuse_manual(v_source);
    -- Two at once change one after the other, each what it names.
    SELECT s.* INTO v_source FROM source s WHERE s.source_id = v_source.source_id FOR UPDATE;
    v_before := to_jsonb(v_source);
    PERFORM check_config(v_source.kind, coalesce(alter_source.config, v_source.config));
    v_source.schedule := coalesce(alter_source.schedule, v_source.schedule);
    v_source.time_zone := coalesce(alter_source.time_zone, v_source.time_zone);
    PERFORM check_schedule(v_source.schedule, v_source.time_zone);
    PERFORM check_times(alter_source.run_timeout, alter_source.retry_after);
    UPDATE source s
    SET config = coalesce(alter_source.config, s.config), schedule = v_source.schedule, time_zone = v_source.time_zone,
        priority = coalesce(alter_source.priority, s.priority), enabled = coalesce(alter_source.enabled, s.enabled),
        run_timeout = coalesce(alter_source.run_timeout, s.run_timeout), retry_after = coalesce(alter_source.retry_after, s.retry_after),
        next_run_at = CASE WHEN (s.schedule, s.time_zone) IS DISTINCT FROM (v_source.schedule, v_source.time_zone)
                           THEN next_time(v_source.schedule, v_source.time_zone) ELSE s.next_run_at END
    WHERE s.source_id = v_source.source_id;
    -- Other credentials, perhaps: they deserve an attempt.
    IF alter_source.config IS DISTINCT FROM v_source.config AND alter_source.config IS NOT NULL THEN
        PERFORM end_hold(v_source.source_id);
    END IF;
    PERFORM audit_source('change', v_source.source_id, v_before);
END $$;
COMMENT ON FUNCTION roster.alter_source IS 'Changes a source; NULL leaves a property as it is, config replaces the whole configuration. run_timeout: a run that takes longer fails, 0 = no limit. retry_after: the pause before a failed scheduled run is repeated, doubled each time, half an hour at most. Errors: 42704 unknown source, 22023 bad config, schedule, time zone or time.';

CREATE FUNCTION roster_private.check_times(p_run_timeout interval, p_retry_after interval) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_run_timeout < interval '0' THEN
        RAISE EXCEPTION 'argument "run_timeout" must not be negative' USING ERRCODE = 'invalid_parameter_value', HINT = 'Write ''2 hours'', or ''0'' for no limit.';
    END IF;
    IF p_retry_after <= interval '0' THEN
        RAISE EXCEPTION 'argument "retry_after" must be more than nothing' USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''1 minute''.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_times IS 'Refuses times that no run could keep.';

CREATE FUNCTION roster_private.refuse_manual(p_source roster_private.source) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_source.source_id = 1 THEN
        RAISE EXCEPTION 'source "manual" is part of the extension' USING ERRCODE = 'invalid_parameter_value', HINT = 'Argument "source": name another.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.refuse_manual IS 'Refuses to configure the source of SQL calls.';

-- Dropping a source is a run that finds nothing there any more.
CREATE FUNCTION roster.drop_source(source text, override_guard boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_source source := find_source(drop_source.source);
    v_run    bigint;
BEGIN
    PERFORM refuse_manual(v_source);
    PERFORM hold_source(v_source.source_id);
    PERFORM lock_iam(v_source.iam_id, true);
    v_run := new_run(v_source.source_id, 'apply', 'manual', 'running');
    UPDATE sync_run r SET drops_source = true, started_at = clock_timestamp() WHERE r.run_id = v_run;
    PERFORM plan_drop(run_context(v_run, 0::smallint));
    PERFORM keep_plan(run_context(v_run, 0::smallint));
    PERFORM apply_kept(run_context(v_run, 0::smallint), override_guard);
    RETURN v_run;
END $$;
COMMENT ON FUNCTION roster.drop_source IS 'Closes all facts of a source, disables users whom no other source states, and drops the source. Returns the run; while the guard blocks it the source stays, and apply_run(run_id, override_guard => true) lets it through. Errors: 42704 unknown source, 55P03 it is being synchronised.';

CREATE FUNCTION roster_private.plan_drop(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_entity (slot, run_id, kind, op, id, version, owner_id, claim, key, external_id, name, name_key, display_name, email, profile, active)
    SELECT c.slot, c.run_id, 'user', CASE WHEN u.active AND NOT a.stays THEN 'remove' ELSE 'keep' END, u.user_id, u.version,
           coalesce(a.owner_id, u.source_id), 'drop', k.key, u.external_id, u.username, u.username_key, u.display_name, u.email, u.profile, a.stays
    FROM user_claim k JOIN app_user u USING (user_id)
    CROSS JOIN LATERAL (SELECT u.active AND coalesce(bool_or(o.active), false) AS stays, min(o.source_id) AS owner_id
                        FROM user_claim o WHERE o.user_id = u.user_id AND o.source_id <> c.source_id) a
    WHERE k.source_id = c.source_id;
    INSERT INTO plan_entity (slot, run_id, kind, op, id, version, owner_id, claim, key, external_id, name, name_key, display_name, profile, active)
    SELECT c.slot, c.run_id, 'group', CASE WHEN g.active AND o.owner_id IS NULL THEN 'remove' ELSE 'keep' END, g.group_id, g.version,
           coalesce(o.owner_id, g.source_id), 'drop', k.key, g.external_id, g.group_name, g.group_name_key, g.display_name, g.profile,
           g.active AND o.owner_id IS NOT NULL
    FROM group_claim k JOIN app_group g USING (group_id)
    CROSS JOIN LATERAL (SELECT min(o.source_id) AS owner_id FROM group_claim o WHERE o.group_id = g.group_id AND o.source_id <> c.source_id) o
    WHERE k.source_id = c.source_id;
    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'user', 'remove', a.user_id, a.name, a.value FROM user_attribute a WHERE a.source_id = c.source_id
    UNION ALL
    SELECT c.slot, c.run_id, 'group', 'remove', a.group_id, a.name, a.value FROM group_attribute a WHERE a.source_id = c.source_id;
    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'remove', m.group_id, m.user_id FROM membership m WHERE m.source_id = c.source_id
    UNION ALL
    SELECT c.slot, c.run_id, 'group', 'remove', n.parent_id, n.child_id FROM nesting n WHERE n.source_id = c.source_id;
    PERFORM count_plan(c);
END $$;
COMMENT ON FUNCTION roster_private.plan_drop IS 'Plans the end of everything that a source states.';

CREATE FUNCTION roster_private.close_source(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_before jsonb;
BEGIN
    UPDATE source s SET dropped_at = clock_timestamp(), enabled = false, next_run_at = NULL
    WHERE s.source_id = c.source_id RETURNING to_jsonb(s) INTO v_before;
    DELETE FROM guard g WHERE g.source_id = c.source_id;
    DELETE FROM quarantined q WHERE q.source_id = c.source_id;
    DELETE FROM user_permission p WHERE p.source_id = c.source_id;
    DELETE FROM platform_username p WHERE p.source_id = c.source_id;
    DELETE FROM scim_user r WHERE r.source_id = c.source_id;
    DELETE FROM scim_group r WHERE r.source_id = c.source_id;
    DELETE FROM scim_pending p WHERE p.source_id = c.source_id;
    DELETE FROM source_retry t WHERE t.source_id = c.source_id;
    PERFORM close_push(c.source_id);
    DELETE FROM user_link k WHERE k.source_id = c.source_id;
    DELETE FROM source_state t WHERE t.source_id = c.source_id;
    DELETE FROM watch_queue q WHERE q.source_id = c.source_id;
    DELETE FROM member_pending m WHERE m.source_id = c.source_id;
    DELETE FROM directory_container d WHERE d.source_id = c.source_id;
    DELETE FROM source_live l WHERE l.source_id = c.source_id;
    UPDATE sync_run r SET state = 'cancelled', finished_at = clock_timestamp(), message = 'the source was dropped'
    WHERE r.source_id = c.source_id AND r.state = 'queued';
    PERFORM record_config(c.run_id, 'remove', 'source', c.iam_id, v_before ->> 'source', NULL, v_before, NULL);
END $$;
COMMENT ON FUNCTION roster_private.close_source IS 'Marks a source as dropped, once its facts are closed.';

CREATE FUNCTION roster.set_guard(source text, kind text, max_count bigint DEFAULT NULL, max_percent numeric DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(set_guard.source);
    v_before jsonb;
    v_after  jsonb;
BEGIN
    PERFORM refuse_manual(v_source);
    IF set_guard.kind IS NULL OR set_guard.kind <> ALL (guarded_kinds()) THEN
        RAISE EXCEPTION 'argument "kind" must be one of %', array_to_string(guarded_kinds(), ', ') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Set a guard for each kind of change.';
    END IF;
    IF set_guard.max_count < 0 OR set_guard.max_percent NOT BETWEEN 0 AND 100 THEN
        RAISE EXCEPTION 'argument "max_count" must be at least 0, "max_percent" between 0 and 100' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'NULL means the default: 50, and 10 percent.';
    END IF;
    SELECT to_jsonb(g) INTO v_before FROM guard g WHERE g.source_id = v_source.source_id AND g.kind = set_guard.kind;
    INSERT INTO guard AS g (source_id, kind, max_count, max_percent)
    VALUES (v_source.source_id, set_guard.kind, coalesce(set_guard.max_count, 50), coalesce(set_guard.max_percent, 10))
    ON CONFLICT ON CONSTRAINT guard_pkey DO UPDATE SET max_count = excluded.max_count, max_percent = excluded.max_percent
    RETURNING to_jsonb(g) INTO v_after;
    PERFORM record_config(single_run(v_source.iam_id), CASE WHEN v_before IS NULL THEN 'add' ELSE 'change' END, 'guard', v_source.iam_id,
                          v_source.source, set_guard.kind, v_before, v_after);
END $$;
COMMENT ON FUNCTION roster.set_guard IS 'Limits the removals of one kind in one run of a source: blocked when more than max_count and more than max_percent of what the source states would go. NULL = default (50, 10 %). All, or more than half of at least four, is always blocked. Errors: 42704 unknown source, 22023 bad kind or limit.';

-- Schedules -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster.schedule(source text, cron text) RETURNS timestamptz
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    PERFORM check_pulled(find_source(schedule.source));
    PERFORM roster.alter_source(schedule.source, schedule => clean_name('cron', schedule.cron));
    RETURN (find_source(schedule.source)).next_run_at;
END $$;
COMMENT ON FUNCTION roster.schedule IS 'Synchronises a source by a cron(5) rule in the time zone of the source (minute hour day month weekday, or @hourly and friends) and returns the next time. Errors: 42704 unknown source, 22023 bad rule.';

CREATE FUNCTION roster.unschedule(source text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(unschedule.source);
BEGIN
    UPDATE source s SET schedule = NULL, next_run_at = NULL WHERE s.source_id = v_source.source_id;
    PERFORM audit_source('change', v_source.source_id, to_jsonb(v_source));
END $$;
COMMENT ON FUNCTION roster.unschedule IS 'Takes the schedule from a source: it is synchronised on request only. Errors: 42704 unknown source.';

CREATE FUNCTION roster.next_runs(source text, n integer DEFAULT 5) RETURNS SETOF timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    WITH RECURSIVE fire(at, k) AS (
        SELECT s.next_run_at, 1 FROM find_source(next_runs.source) s WHERE s.next_run_at IS NOT NULL AND n > 0
        UNION ALL
        SELECT cron_next(s.schedule, s.time_zone, f.at), f.k + 1 FROM fire f, find_source(next_runs.source) s WHERE f.k < n AND f.at IS NOT NULL
    )
    SELECT at FROM fire WHERE at IS NOT NULL
$$;
COMMENT ON FUNCTION roster.next_runs IS 'The next n times at which a source is due. Errors: 42704 unknown source.';

CREATE FUNCTION roster_private.queue_run(p_source text, p_mode text, p_full_read boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(p_source);
    v_run    bigint;
BEGIN
    PERFORM check_pulled(v_source);
    -- Asking twice before it began is asking once.
    SELECT min(r.run_id) INTO v_run FROM sync_run r
    WHERE r.source_id = v_source.source_id AND r.state = 'queued' AND r.mode = p_mode;
    IF v_run IS NULL THEN
        v_run := new_run(v_source.source_id, p_mode, 'manual', 'queued', coalesce(p_full_read, false));
    ELSE
        -- Whoever asks does not wait for what a schedule would wait for.
        UPDATE sync_run r SET trigger = 'manual', full_read = r.full_read OR coalesce(p_full_read, false)
        WHERE r.run_id = v_run AND (r.trigger <> 'manual' OR p_full_read AND NOT r.full_read);
    END IF;
    NOTIFY roster_sync;
    RETURN v_run;
END $$;
COMMENT ON FUNCTION roster_private.queue_run IS 'Asks the daemons for a run.';

CREATE FUNCTION roster.sync_now(source text, full_read boolean DEFAULT false) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT queue_run(sync_now.source, 'apply', sync_now.full_read) $$;
COMMENT ON FUNCTION roster.sync_now IS 'Asks for a run of a source and returns run_id: a running daemon picks it up at once, see roster.sync_runs. full_read: everything is read, also where only what changed would be. Errors: 42704 unknown source, 22023 nothing to read, 55000 disabled.';

CREATE FUNCTION roster.plan(source text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT queue_run(plan.source, 'plan') $$;
COMMENT ON FUNCTION roster.plan IS 'Asks for a plan of a source and returns run_id; nothing is written. See roster.sync_changes for what it lists, apply it with roster.apply_run. Errors as sync_now.';

CREATE FUNCTION roster.cancel_run(run_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run    sync_run;
    v_reason text := 'cancelled by ' || caller();
BEGIN
    UPDATE sync_run r SET state = 'cancelled', finished_at = clock_timestamp(), message = v_reason
    WHERE r.run_id = cancel_run.run_id AND r.state = 'queued' RETURNING r.* INTO v_run;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT r.* INTO v_run FROM sync_run r WHERE r.run_id = cancel_run.run_id;
    IF v_run.state IS DISTINCT FROM 'running' THEN
        RETURN false;
    END IF;
    -- Its process looks at the lease every few seconds, or when it is told to.
    UPDATE source_lease l SET cancelled_by = caller() WHERE l.run_id = v_run.run_id;
    NOTIFY roster_sync;
    -- A run that lost its process is over now: taking the source ends it.
    IF NOT holder_lives(v_run.run_id) AND take_source(v_run.source_id) THEN
        UPDATE sync_run r SET state = 'cancelled', message = v_reason || '; its process was gone'
        WHERE r.run_id = v_run.run_id AND r.state = 'failed';
        UPDATE source_retry t SET retry_at = NULL WHERE t.source_id = v_run.source_id;
    END IF;
    RETURN EXISTS (SELECT FROM sync_run r WHERE r.run_id = v_run.run_id AND r.state IN ('running', 'cancelled'));
END $$;
COMMENT ON FUNCTION roster.cancel_run IS 'Cancels a run and tells whether there was something to cancel: a queued one at once, a running one as soon as its daemon has heard of it, within seconds (a run that is over sooner stays what it is).';
