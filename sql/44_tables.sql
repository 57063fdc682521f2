-- Table sources: one statement reads a table, view or query as facts, here or in another PostgreSQL.

CREATE TYPE roster_private.table_reading AS (statement text, complete boolean, errors text[], cursor jsonb);
COMMENT ON TYPE roster_private.table_reading IS 'How to read a table: the SELECT with columns (who, kind, name, value, problem), whether what it leaves out is gone, one error per column that does not fit (then there is no statement), and the cursor to hand to complete_facts.';
CREATE TYPE roster_private.staged_table AS (read bigint, facts bigint, complete boolean, cursor jsonb, note text);
COMMENT ON TYPE roster_private.staged_table IS 'What stage_table staged: the arguments of complete_facts.';

-- Configuration -------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.check_table_config(p_config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_format text := p_config ->> 'format';
    v_key    text;
BEGIN
    IF (p_config ? 'relation') = (p_config ? 'query') THEN
        RAISE EXCEPTION 'config needs either "relation" or "query"' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example "relation": "hr.user_attributes", or "query": "SELECT ... FROM hr.people".';
    END IF;
    FOREACH v_key IN ARRAY ARRAY['relation', 'query', 'format', 'user_column', 'name_column', 'value_column', 'attributes_column', 'split',
                                 'updated_at_column', 'deleted_column', 'prefix', 'match_by'] LOOP
        IF p_config ? v_key AND (jsonb_typeof(p_config -> v_key) <> 'string' OR p_config ->> v_key = '') THEN
            RAISE EXCEPTION 'config key "%" must be a text that is not empty', v_key USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Leave it out when there is nothing to say.';
        END IF;
    END LOOP;
    IF p_config ? 'relation' AND cardinality(parse_relation(p_config ->> 'relation')) <> 2 THEN
        RAISE EXCEPTION 'config key "relation" must be schema and name, not "%"', p_config ->> 'relation'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example "relation": "hr.user_attributes"; quote what has capitals: "hr.\"People\"".';
    END IF;
    IF v_format IS NULL OR v_format NOT IN ('long', 'wide', 'json') THEN
        RAISE EXCEPTION 'config key "format" must be long, wide or json, not "%"', v_format USING ERRCODE = 'invalid_parameter_value',
            HINT = 'long: a row per value; wide: a column per attribute; json: one jsonb column.';
    END IF;
    FOREACH v_key IN ARRAY ARRAY['user_column'] || CASE v_format WHEN 'long' THEN ARRAY['name_column', 'value_column']
                                                                 WHEN 'json' THEN ARRAY['attributes_column'] ELSE '{}' END LOOP
        IF NOT p_config ? v_key THEN
            RAISE EXCEPTION 'config needs "%" for format %', v_key, v_format USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Name the column of the table or query.';
        END IF;
    END LOOP;
    IF coalesce(p_config ->> 'match_by', 'username') NOT IN ('username', 'external_id', 'email') THEN
        RAISE EXCEPTION 'config key "match_by" must be username, external_id or email, not "%"', p_config ->> 'match_by'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'username is the default.';
    END IF;
    IF p_config ? 'create_users' AND jsonb_typeof(p_config -> 'create_users') <> 'boolean' THEN
        RAISE EXCEPTION 'config key "create_users" must be true or false' USING ERRCODE = 'invalid_parameter_value', HINT = 'false is the default.';
    END IF;
    PERFORM check_interval('overlap', p_config), check_interval('full_every', p_config);
END $$;
COMMENT ON FUNCTION roster_private.check_table_config IS 'Refuses the configuration of a table source that cannot be read.';

CREATE FUNCTION roster_private.parse_relation(p_relation text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN parse_ident(p_relation);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN '{}';
END $$;
COMMENT ON FUNCTION roster_private.parse_relation IS 'The parts of a qualified name; empty when it is none.';

CREATE FUNCTION roster_private.check_interval(p_key text, p_config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_config ? p_key AND (jsonb_typeof(p_config -> p_key) <> 'string' OR (p_config ->> p_key)::interval < interval '0') THEN
        RAISE invalid_parameter_value;
    END IF;
EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'config key "%" must be an interval, not %', p_key, p_config -> p_key
        USING ERRCODE = 'invalid_parameter_value', HINT = format('For example "%s": "10 minutes".', p_key);
END $$;
COMMENT ON FUNCTION roster_private.check_interval IS 'Refuses what is no interval, or a negative one.';

-- Statements ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.table_relation(p_config jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name text[];
BEGIN
    IF p_config ? 'query' THEN
        -- A line of its own, or a comment at the end of the query would swallow the rest.
        RETURN '(' || rtrim(p_config ->> 'query', E'; \t\r\n') || E'\n) t';
    END IF;
    v_name := parse_ident(p_config ->> 'relation');
    RETURN format('%I.%I t', v_name[1], v_name[2]);
END $$;
COMMENT ON FUNCTION roster_private.table_relation IS 'What a table source reads, as it stands after FROM, called t.';

CREATE FUNCTION roster_private.run_source(p_run_id bigint) RETURNS roster_private.source
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source;
BEGIN
    SELECT s.* INTO v_source FROM sync_run r JOIN source s USING (source_id) WHERE r.run_id = p_run_id AND r.state = 'running' AND s.kind = 'table';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'run % is not a running one of a table source', p_run_id USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'See roster.sync_runs.';
    END IF;
    RETURN v_source;
END $$;
COMMENT ON FUNCTION roster_private.run_source IS 'The table source of a running run.';

CREATE FUNCTION roster_private.table_probe(run_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN 'SELECT t.* FROM ' || table_relation((run_source(table_probe.run_id)).config) || ' LIMIT 0';
END $$;
COMMENT ON FUNCTION roster_private.table_probe IS 'The statement whose result has the columns of a table source; it reads no row.';

CREATE FUNCTION roster_private.table_watermark(run_id bigint, columns jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_config jsonb := (run_source(table_watermark.run_id)).config;
    v_type   text := column_time(columns ->> (v_config ->> 'updated_at_column'));
BEGIN
    -- A clock that is ahead must not hide what comes in its shadow.
    RETURN CASE WHEN v_type IS NOT NULL THEN format(
        'SELECT to_json(coalesce(max(t.%1$I) FILTER (WHERE t.%1$I <= now()), CASE WHEN count(t.%1$I) > 0 THEN now()::%2$s END)) #>> ''{}'' FROM %3$s',
        v_config ->> 'updated_at_column', v_type, table_relation(v_config)) END;
END $$;
COMMENT ON FUNCTION roster_private.table_watermark IS 'The statement whose only value is how far a table has been written, to be executed before it is read; NULL when the source is not incremental.';

CREATE FUNCTION roster_private.table_errors(p_config jsonb, p_columns jsonb) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_there text := (SELECT string_agg(k, ', ' ORDER BY k COLLATE "C") FROM jsonb_object_keys(p_columns) k);
    v_found text[];
BEGIN
    SELECT array_agg(e.error ORDER BY e.error COLLATE "C") INTO v_found
    FROM jsonb_each_text(p_config) c
    JOIN (VALUES ('user_column', NULL::text), ('name_column', NULL), ('value_column', NULL), ('attributes_column', 'json'), ('updated_at_column', 'time'),
                 ('deleted_column', 'boolean')) k(key, wanted) USING (key)
    CROSS JOIN LATERAL (SELECT p_columns ->> c.value AS type) t
    CROSS JOIN LATERAL (SELECT CASE
        WHEN t.type IS NULL THEN format('column "%s" (config key %s) does not exist; there are: %s', c.value, c.key, v_there)
        WHEN k.wanted = 'json' AND t.type NOT IN ('json', 'jsonb') THEN format('column "%s" (config key %s) must be jsonb, it is %s: cast it in a query', c.value, c.key, t.type)
        WHEN k.wanted = 'boolean' AND t.type NOT IN ('boolean', 'bool') THEN format('column "%s" (config key %s) must be boolean, it is %s: compare it in a query', c.value, c.key, t.type)
        WHEN k.wanted = 'time' AND column_time(t.type) IS NULL THEN format('column "%s" (config key %s) must be a timestamp or a date, it is %s: cast it in a query', c.value, c.key, t.type)
        WHEN c.key IN ('user_column', 'name_column') AND is_array(t.type) THEN format('column "%s" (config key %s) must hold one name, it is %s: unnest it in a query', c.value, c.key, t.type)
        END AS error) e
    WHERE e.error IS NOT NULL AND (c.key NOT IN ('name_column', 'value_column') OR p_config ->> 'format' = 'long')
      AND (c.key <> 'attributes_column' OR p_config ->> 'format' = 'json');
    IF v_found IS NULL AND p_config ->> 'format' = 'wide' AND cardinality(wide_columns(p_config, p_columns)) = 0 THEN
        v_found := ARRAY[format('no column is left that could be an attribute; there are: %s', v_there)];
    END IF;
    RETURN v_found;
END $$;
COMMENT ON FUNCTION roster_private.table_errors IS 'What is wrong with the columns of a table, one sentence for each; NULL when they fit.';

-- Types come from format_type here, and by their names in pg_type from the daemon.
CREATE FUNCTION roster_private.is_array(p_type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT p_type LIKE '%[]' OR p_type LIKE '\_%' $$;
COMMENT ON FUNCTION roster_private.is_array IS 'Whether a type is an array.';

CREATE FUNCTION roster_private.column_time(p_type text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT CASE WHEN p_type IN ('timestamptz', 'timestamp with time zone') THEN 'timestamptz'
                      WHEN p_type IN ('timestamp', 'timestamp without time zone') THEN 'timestamp' WHEN p_type = 'date' THEN 'date' END $$;
COMMENT ON FUNCTION roster_private.column_time IS 'The type of a time in its short form; NULL when it is none.';

CREATE FUNCTION roster_private.wide_columns(p_config jsonb, p_columns jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT coalesce(array_agg(k ORDER BY k COLLATE "C"), '{}') FROM jsonb_object_keys(p_columns) k
    WHERE k <> ALL (array_remove(ARRAY[p_config ->> 'user_column', p_config ->> 'updated_at_column', p_config ->> 'deleted_column'], NULL))
$$;
COMMENT ON FUNCTION roster_private.wide_columns IS 'The columns of a wide table that are attributes.';

-- Values of one column as rows v(value): arrays and lists have several.
CREATE FUNCTION roster_private.column_values(p_column text, p_type text, p_split text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT CASE
        WHEN p_split IS NOT NULL AND is_array(p_type)
            THEN format('SELECT btrim(p.part, E'' \t\r\n'') FROM unnest(t.%I) e(e), string_to_array(e.e::text, %L) l(l), unnest(l.l) p(part) WHERE btrim(p.part, E'' \t\r\n'') <> ''''', p_column, p_split)
        WHEN p_split IS NOT NULL
            THEN format('SELECT btrim(p.part, E'' \t\r\n'') FROM unnest(string_to_array(t.%I::text, %L)) p(part) WHERE btrim(p.part, E'' \t\r\n'') <> ''''', p_column, p_split)
        WHEN is_array(p_type) THEN format('SELECT e.e::text FROM unnest(t.%I) e(e) WHERE e.e IS NOT NULL', p_column)
    END
$$;
COMMENT ON FUNCTION roster_private.column_values IS 'A subquery with the values of a column, one a row; NULL when it has one value at most.';

-- The body in the three formats, over the rows that are not deleted; a deleted row only touches its user.
CREATE FUNCTION roster_private.table_body(p_config jsonb, p_columns jsonb, p_where text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_from    text := ' FROM ' || table_relation(p_config);
    v_user    text := format('t.%I::text', p_config ->> 'user_column');
    v_live    text := CASE WHEN p_config ? 'deleted_column' THEN format('t.%I IS NOT TRUE', p_config ->> 'deleted_column') ELSE 'true' END;
    v_split   text := p_config ->> 'split';
    v_where   text := ' WHERE ' || p_where;
    v_values  text;
    v_body    text;
BEGIN
    CASE p_config ->> 'format'
    WHEN 'long' THEN
        v_values := column_values(p_config ->> 'value_column', p_columns ->> (p_config ->> 'value_column'), v_split);
        v_body := CASE WHEN v_values IS NULL
            THEN format('SELECT %s, ''attribute'', t.%I::text, t.%I::text, NULL::text%s%s AND %s', v_user, p_config ->> 'name_column',
                        p_config ->> 'value_column', v_from, v_where, v_live)
            ELSE format('SELECT %s, ''attribute'', t.%I::text, x.value, NULL::text%s LEFT JOIN LATERAL (%s) x(value) ON true%s AND %s', v_user,
                        p_config ->> 'name_column', v_from, v_values, v_where, v_live) END;
    WHEN 'wide' THEN
        -- One VALUES for the columns with one value: a subquery for each would cost more than reading them.
        SELECT string_agg(format('(''attribute'', %L, t.%I::text)', k, k), ', ' ORDER BY k COLLATE "C") FILTER (WHERE w.vals IS NULL),
               string_agg(format(' UNION ALL SELECT ''attribute'', %L, y.value FROM (%s) y(value)', k, w.vals), '' ORDER BY k COLLATE "C") FILTER (WHERE w.vals IS NOT NULL)
        INTO v_body, v_values
        FROM unnest(wide_columns(p_config, p_columns)) k CROSS JOIN LATERAL (SELECT column_values(k, p_columns ->> k, v_split) AS vals) w;
        v_body := format('SELECT %s, x.kind, x.name, x.value, NULL::text%s CROSS JOIN LATERAL (VALUES (''present'', NULL, NULL)%s%s) x(kind, name, value)%s AND %s AND (x.kind = ''present'' OR x.value IS NOT NULL)',
                         v_user, v_from, coalesce(', ' || v_body, ''), coalesce(v_values, ''), v_where, v_live);
    WHEN 'json' THEN
        v_body := format($f$SELECT %1$s, x.kind, x.name, x.value, x.problem%2$s
            CROSS JOIN LATERAL (SELECT t.%3$I::jsonb AS j) j
            CROSS JOIN LATERAL (SELECT CASE
                WHEN j.j IS NULL THEN NULL
                WHEN jsonb_typeof(j.j) <> 'object' THEN 'the attributes are no JSON object, but ' || jsonb_typeof(j.j)
                ELSE (SELECT format('the value of attribute "%%s" is nested', e.key) FROM jsonb_each(CASE jsonb_typeof(j.j) WHEN 'object' THEN j.j END) e
                      WHERE jsonb_typeof(e.value) = 'object' OR jsonb_typeof(e.value) = 'array' AND jsonb_path_exists(e.value, 'strict $[*] ? (@.type() == "object" || @.type() == "array")')
                      ORDER BY e.key LIMIT 1) END AS problem OFFSET 0) p
            CROSS JOIN LATERAL (
                SELECT CASE WHEN p.problem IS NULL THEN 'present' ELSE 'kept' END, NULL::text, NULL::text, p.problem
                UNION ALL
                SELECT 'attribute', e.key, v.value, NULL
                FROM jsonb_each(CASE WHEN p.problem IS NULL THEN j.j END) e
                CROSS JOIN LATERAL (SELECT a.a #>> '{}' FROM jsonb_array_elements(CASE jsonb_typeof(e.value) WHEN 'array' THEN e.value END) a(a)
                                    UNION ALL SELECT e.value #>> '{}' WHERE jsonb_typeof(e.value) <> 'array') w(whole)
                CROSS JOIN LATERAL (%4$s) v(value)
                WHERE v.value IS NOT NULL) x(kind, name, value, problem)%5$s AND %6$s$f$,
            v_user, v_from, p_config ->> 'attributes_column',
            CASE WHEN v_split IS NULL THEN 'SELECT w.whole'
                 ELSE format('SELECT btrim(s.part, E'' \t\r\n'') FROM unnest(string_to_array(w.whole, %L)) s(part) WHERE btrim(s.part, E'' \t\r\n'') <> ''''', v_split) END,
            v_where, v_live);
    END CASE;
    IF p_config ? 'deleted_column' THEN
        v_body := v_body || format(' UNION ALL SELECT %s, ''touched'', NULL, NULL, NULL%s%s AND NOT (%s)', v_user, v_from, v_where, v_live);
    END IF;
    RETURN v_body;
END $$;
COMMENT ON FUNCTION roster_private.table_body IS 'The SELECT that turns the rows of a table into facts.';

CREATE FUNCTION roster_private.table_statement(run_id bigint, columns jsonb, watermark text) RETURNS roster_private.table_reading
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source  source := run_source(table_statement.run_id);
    v_errors  text[] := table_errors(v_source.config, columns);
    v_config  text := config_digest(v_source.config)::text;
    v_reading table_reading;
    v_state   source_state;
    v_time    text := column_time(columns ->> (v_source.config ->> 'updated_at_column'));
    v_exact   boolean;
    v_whos    text[];
    v_queued  text[];
    v_key     text;
    v_due     text;
BEGIN
    IF v_errors IS NOT NULL THEN
        v_reading.errors := v_errors;
        RETURN v_reading;
    END IF;
    v_reading.cursor := jsonb_build_object('watermark', watermark, 'config', v_config);
    SELECT t.* INTO v_state FROM source_state t WHERE t.source_id = v_source.source_id;
    v_queued := take_watched(v_source.source_id, table_statement.run_id);
    v_reading.complete := coalesce(
        v_state.config_digest::text <> v_config OR v_state.cursor ->> 'config' <> v_config
        OR v_state.full_at + coalesce((v_source.config ->> 'full_every')::interval, interval '1 day') <= clock_timestamp()
        OR array_position(v_queued, NULL) IS NOT NULL
        OR NOT (v_queued <> '{}' OR v_time IS NOT NULL AND watermark IS NOT NULL AND v_state.cursor ->> 'watermark' IS NOT NULL), true);
    IF NOT v_reading.complete THEN
        v_exact := matches_exactly(v_source);
        v_whos := v_queued || waiting_users(v_source);
        -- A statement of that length costs more than reading everything.
        v_reading.complete := cardinality(v_whos) > 20000;
    END IF;
    IF v_reading.complete THEN
        v_reading.statement := table_body(v_source.config, columns, 'true');
        RETURN v_reading;
    END IF;
    -- Where names compare without case, their rows may be written in several ways.
    v_key := format(CASE WHEN v_exact THEN 't.%I::text' WHEN v_source.config ? 'connection' THEN 'lower(t.%I::text)'
                         ELSE 'roster_private.name_key(t.%I::text, false)' END, v_source.config ->> 'user_column');
    IF NOT v_exact THEN
        v_whos := ARRAY(SELECT name_key(w, false) FROM unnest(v_whos) w);
    END IF;
    v_due := format('SELECT unnest(%L::text[]) AS who', v_whos);
    IF v_time IS NOT NULL AND v_state.cursor ->> 'watermark' IS NOT NULL AND watermark IS NOT NULL THEN
        v_due := v_due || format(' UNION SELECT %1$s FROM %2$s WHERE t.%3$I >= %4$L::%5$s - %6$L::interval OR t.%3$I IS NULL', v_key,
            table_relation(v_source.config), v_source.config ->> 'updated_at_column', v_state.cursor ->> 'watermark', v_time,
            coalesce((v_source.config ->> 'overlap')::interval, interval '5 minutes'));
    ELSE
        -- Nothing tells how far the table was read: a later source_state must not pretend so.
        v_reading.cursor := v_state.cursor;
    END IF;
    -- A row without a user means nobody who could be read again.
    v_reading.statement := format('WITH due AS MATERIALIZED (SELECT DISTINCT d.who FROM (%s) d) %s UNION ALL SELECT d.who, ''touched'', NULL, NULL, NULL FROM due d WHERE d.who IS NOT NULL',
        v_due, table_body(v_source.config, columns, format('%s IN (SELECT d.who FROM due d)', v_key)));
    RETURN v_reading;
END $$;
COMMENT ON FUNCTION roster_private.table_statement IS 'How to read a table source in this run. columns: {"name": "type"} of its result; watermark: what table_watermark answered, NULL = read everything.';

CREATE FUNCTION roster_private.matches_exactly(p_source roster_private.source) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT CASE coalesce(p_source.config ->> 'match_by', 'username') WHEN 'username' THEN i.case_sensitive WHEN 'email' THEN false ELSE true END
    FROM iam i WHERE i.iam_id = p_source.iam_id
$$;
COMMENT ON FUNCTION roster_private.matches_exactly IS 'Whether the users of a table source are told apart by case.';

-- Entries that mean somebody else by now, or nobody, and those that wait for their user.
CREATE FUNCTION roster_private.waiting_users(p_source roster_private.source) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_match_by text := coalesce(p_source.config ->> 'match_by', 'username');
BEGIN
    RETURN ARRAY(
        SELECT quarantined_user(q.key, q.entry) FROM quarantined q
        WHERE q.source_id = p_source.source_id AND quarantined_user(q.key, q.entry) IS NOT NULL
        UNION
        SELECT k.key FROM user_link k
        LEFT JOIN user_match m ON m.match_by = v_match_by AND m.iam_id = p_source.iam_id AND m.key = k.key
        WHERE k.source_id = p_source.source_id AND k.user_id IS DISTINCT FROM m.user_id);
END $$;
COMMENT ON FUNCTION roster_private.waiting_users IS 'Users of a table source that are read again although their rows did not change.';

-- Rows that are queued from now on are the next run's, also those of transactions that began before.
CREATE FUNCTION roster_private.take_watched(p_source_id integer, p_run_id bigint) RETURNS text[]
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_whos text[];
BEGIN
    WITH taken AS (UPDATE watch_queue q SET taken_run = p_run_id WHERE q.source_id = p_source_id RETURNING q.who)
    SELECT coalesce(array_agg(DISTINCT t.who), '{}') INTO v_whos FROM taken t;
    RETURN v_whos;
END $$;
COMMENT ON FUNCTION roster_private.take_watched IS 'The users that a run looks at because their rows changed.';

CREATE FUNCTION roster_private.watched_sources_due() RETURNS SETOF integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    -- What a blocked run looked at waits for whoever decides about it; what a failed one looked at is tried again.
    SELECT DISTINCT q.source_id FROM watch_queue q JOIN source s USING (source_id)
    LEFT JOIN sync_run r ON r.run_id = q.taken_run
    WHERE s.enabled AND s.dropped_at IS NULL
      AND (q.taken_run IS NULL OR coalesce(r.state, 'failed') IN ('failed', 'cancelled') AND coalesce(r.finished_at, '-infinity') < clock_timestamp() - interval '1 minute')
$$;
COMMENT ON FUNCTION roster_private.watched_sources_due IS 'Sources with watched tables that changed.';

-- Reading in this database: with the rights of whoever calls ------------------------------------------------------------

CREATE FUNCTION roster_private.stage_table(run_id bigint) RETURNS roster_private.staged_table
    -- Values are written the same way whoever reads them.
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET datestyle = 'ISO' SET timezone = 'UTC'
    SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex' SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
DECLARE
    v_columns   jsonb := probe_columns(roster_private.table_probe(stage_table.run_id));
    v_watermark text;
    v_sql       text := roster_private.table_watermark(stage_table.run_id, v_columns);
    v_reading   roster_private.table_reading;
    v_staged    roster_private.staged_table;
BEGIN
    IF v_sql IS NOT NULL THEN
        EXECUTE v_sql INTO v_watermark;
    END IF;
    v_reading := roster_private.table_statement(stage_table.run_id, v_columns, v_watermark);
    IF v_reading.errors IS NOT NULL THEN
        RAISE EXCEPTION 'the table does not fit its source: %', array_to_string(v_reading.errors, '; ')
            USING ERRCODE = 'invalid_table_definition', HINT = 'Change the table, or the configuration with roster.alter_source().';
    END IF;
    EXECUTE format('INSERT INTO roster_private.staged_fact (slot, run_id, who, kind, name, value, problem) SELECT $1, $2, f.* FROM (%s) f(who, kind, name, value, problem)',
                   v_reading.statement) USING roster_private.run_slot(stage_table.run_id), stage_table.run_id;
    GET DIAGNOSTICS v_staged.facts = ROW_COUNT;
    v_staged.complete := v_reading.complete;
    v_staged.cursor := v_reading.cursor;
    RETURN v_staged;
END $$;
COMMENT ON FUNCTION roster_private.stage_table IS 'Reads the table or query of a run in this database, with the rights of the caller, into staging.';

CREATE FUNCTION roster_private.run_slot(run_id bigint) RETURNS smallint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT r.slot FROM sync_run r WHERE r.run_id = run_slot.run_id AND r.state = 'running' $$;
COMMENT ON FUNCTION roster_private.run_slot IS 'The slot of staging that a running run has.';

CREATE FUNCTION roster_private.probe_columns(p_probe text) RETURNS jsonb
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_row   record;
    v_names text[];
    v_types text[];
BEGIN
    EXECUTE p_probe INTO v_row;
    SELECT array_agg(k) INTO v_names FROM json_object_keys(row_to_json(v_row)) k;
    IF cardinality(v_names) <> (SELECT count(DISTINCT n) FROM unnest(v_names) n) THEN
        RAISE EXCEPTION 'the query has several columns of the name "%"', (SELECT min(n) FROM (SELECT n FROM unnest(v_names) n GROUP BY n HAVING count(*) > 1) d)
            USING ERRCODE = 'duplicate_column', HINT = 'Give each column a name of its own with AS.';
    END IF;
    EXECUTE format('SELECT ARRAY[%s] FROM (SELECT) one LEFT JOIN (%s) t ON false', (SELECT string_agg(format('pg_typeof(t.%I)', n), ', ') FROM unnest(v_names) n), p_probe)
    INTO v_types;
    RETURN (SELECT jsonb_object_agg(c.name, base_type(c.type::regtype)) FROM unnest(v_names, v_types) c(name, type));
END $$;
COMMENT ON FUNCTION roster_private.probe_columns IS 'The columns of a statement and their types, {"name": "type"}, with the rights of the caller.';

CREATE FUNCTION roster_private.base_type(p_type regtype) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    WITH RECURSIVE base(oid) AS (
        SELECT p_type::oid
        UNION ALL
        SELECT t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
    )
    SELECT format_type(b.oid, NULL) FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype <> 'd'
$$;
COMMENT ON FUNCTION roster_private.base_type IS 'The type that a domain is made of.';
