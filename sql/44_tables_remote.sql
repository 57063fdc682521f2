-- What `syncd check` asks about table sources: the same statements as for a run, and no run.

CREATE FUNCTION roster_private.check_table_probe(source text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN 'SELECT t.* FROM ' || table_relation((find_source(check_table_probe.source)).config) || ' LIMIT 0';
END $$;
COMMENT ON FUNCTION roster_private.check_table_probe IS 'As table_probe, for a source that is only looked at.';

CREATE FUNCTION roster_private.check_table_statement(source text, columns jsonb) RETURNS roster_private.table_reading
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source  source := find_source(check_table_statement.source);
    v_reading table_reading;
BEGIN
    v_reading.errors := table_errors(v_source.config, columns);
    IF v_reading.errors IS NULL THEN
        v_reading.statement := table_body(v_source.config, columns, 'true');
        v_reading.complete := true;
    END IF;
    RETURN v_reading;
END $$;
COMMENT ON FUNCTION roster_private.check_table_statement IS 'As table_statement, for a source that is only looked at: everything is read.';

CREATE FUNCTION roster_private.unknown_users(source text, whos text[]) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_source   source := find_source(unknown_users.source);
    v_match_by text := coalesce(v_source.config ->> 'match_by', 'username');
    v_exact    boolean := matches_exactly(v_source);
BEGIN
    RETURN (SELECT count(*) FROM unnest(whos) w(who)
            WHERE NOT EXISTS (SELECT FROM user_match m WHERE m.match_by = v_match_by AND m.iam_id = v_source.iam_id AND m.key = name_key(w.who, v_exact)));
END $$;
COMMENT ON FUNCTION roster_private.unknown_users IS 'How many of these names mean nobody whom the identity manager of a source has.';
