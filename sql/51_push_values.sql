-- Push sources: attributes, of users and of groups. What differs is decided in one place and written in two.

CREATE TYPE roster_private.push_values AS (names text[], pair_names text[], pair_values text[], cleared text[]);
COMMENT ON TYPE roster_private.push_values IS 'Attributes as an event states them: all names, name and value pairs, and names with null (all values).';

CREATE FUNCTION roster_private.push_read_values(c roster_private.push_context, p_attributes jsonb) RETURNS roster_private.push_values
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v       push_values := ROW('{}', '{}', '{}', '{}');
    v_pairs jsonb := '[]';
    v_given record;
    v_name  text;
BEGIN
    IF p_attributes IS NULL OR jsonb_typeof(p_attributes) <> 'object' THEN
        RAISE EXCEPTION 'attributes must be a JSON object such as {"department": ["Sales"]}, not %', coalesce(jsonb_typeof(p_attributes), 'absent')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR v_given IN SELECT e.key, e.value FROM jsonb_each(p_attributes) e LOOP
        v_name := clean_name('attributes', CASE WHEN c.prefix IS NULL THEN v_given.key ELSE c.prefix || '.' || v_given.key END);
        v.names := v.names || v_name;
        IF jsonb_typeof(v_given.value) = 'null' THEN
            v.cleared := v.cleared || v_name;
            CONTINUE;
        END IF;
        v_given.value := CASE jsonb_typeof(v_given.value) WHEN 'string' THEN jsonb_build_array(v_given.value) ELSE v_given.value END;
        IF jsonb_typeof(v_given.value) <> 'array' OR EXISTS (SELECT FROM jsonb_array_elements(v_given.value) a WHERE jsonb_typeof(a) <> 'string') THEN
            RAISE EXCEPTION 'attribute "%" must be a list of texts such as ["Sales"]', v_given.key USING ERRCODE = 'invalid_parameter_value';
        END IF;
        v_pairs := v_pairs || (SELECT coalesce(jsonb_agg(jsonb_build_array(v_name, a)), '[]') FROM jsonb_array_elements_text(v_given.value) a);
    END LOOP;
    v.names := ARRAY(SELECT DISTINCT n FROM unnest(v.names) n);
    SELECT coalesce(array_agg(d.name), '{}'), coalesce(array_agg(d.value), '{}') INTO v.pair_names, v.pair_values
    FROM (SELECT DISTINCT p ->> 0 AS name, normalize(p ->> 1, NFC) AS value FROM jsonb_array_elements(v_pairs) p) d;
    IF cardinality(v.pair_names) > 10000 OR cardinality(v.names) > 10000 THEN
        RAISE EXCEPTION 'attributes has more than 10000 values: send them in several events' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM unnest(v.pair_values) a WHERE octet_length(a) > 65536) THEN
        RAISE EXCEPTION 'attributes has a value of more than 65536 bytes' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION roster_private.push_read_values IS 'Reads the attributes of an event: names with the prefix of the source, everything in Unicode NFC and once.';

CREATE TYPE roster_private.push_difference AS (gone_names text[], gone_values text[], fresh_names text[], fresh_values text[], late text[]);
COMMENT ON TYPE roster_private.push_difference IS 'What an event changes in the values that its source states, and the names that it came too late for.';

-- set: the named attributes become what is given; replace: all attributes do. A value that was added or taken away by a newer
-- event stays as that event left it.
CREATE FUNCTION roster_private.push_decide_set(c roster_private.push_context, p_kind text, p_key text, p_all boolean, v roster_private.push_values,
                                               p_names text[], p_values text[]) RETURNS roster_private.push_difference
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    d         push_difference;
    v_all     uuid := push_facet(p_kind, p_key, 'a*');
    v_given   text[] := CASE WHEN p_all THEN ARRAY(SELECT n FROM unnest(v.names) n UNION SELECT n FROM unnest(p_names) n) ELSE v.names END;
    v_set     text[];
BEGIN
    IF NOT push_is_late(c, v_all) THEN
        v_set := ARRAY(SELECT n FROM unnest(v_given) n WHERE NOT push_is_late(c, push_facet(p_kind, p_key, 'a:' || n)));
        PERFORM push_note(c, VARIADIC CASE WHEN p_all THEN ARRAY[v_all] ELSE ARRAY(SELECT push_facet(p_kind, p_key, 'a:' || n) FROM unnest(v_set) n) END);
    END IF;
    d.late := ARRAY(SELECT n FROM unnest(v.names) n WHERE n <> ALL (coalesce(v_set, '{}')) ORDER BY n COLLATE "C");
    SELECT array_agg(h.name), array_agg(h.value) INTO d.gone_names, d.gone_values
    FROM unnest(p_names, p_values) h(name, value)
    WHERE h.name = ANY (v_set)
      AND NOT EXISTS (SELECT FROM unnest(v.pair_names, v.pair_values) g(name, value) WHERE g.name = h.name AND g.value = h.value)
      AND NOT push_is_late(c, push_value_facet(p_kind, p_key, h.name, h.value));
    SELECT array_agg(g.name), array_agg(g.value) INTO d.fresh_names, d.fresh_values
    FROM unnest(v.pair_names, v.pair_values) g(name, value)
    WHERE g.name = ANY (v_set)
      AND NOT EXISTS (SELECT FROM unnest(p_names, p_values) h(name, value) WHERE h.name = g.name AND h.value = g.value)
      AND NOT push_is_late(c, push_value_facet(p_kind, p_key, g.name, g.value));
    RETURN d;
END $$;
COMMENT ON FUNCTION roster_private.push_decide_set IS 'What changes when attributes are set, or all replaced (p_all), on a subject that has the given names and values of this source.';

CREATE FUNCTION roster_private.push_decide_change(c roster_private.push_context, p_kind text, p_key text, p_add boolean, v roster_private.push_values,
                                                  p_names text[], p_values text[]) RETURNS roster_private.push_difference
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    d       push_difference;
    v_names  text[];
    v_values text[];
BEGIN
    SELECT coalesce(array_agg(g.name), '{}'), coalesce(array_agg(g.value), '{}') INTO v_names, v_values
    FROM unnest(v.pair_names, v.pair_values) g(name, value)
    WHERE NOT push_is_late(c, push_facet(p_kind, p_key, 'a*'), push_facet(p_kind, p_key, 'a:' || g.name), push_value_facet(p_kind, p_key, g.name, g.value));
    PERFORM push_note(c, VARIADIC ARRAY(SELECT push_value_facet(p_kind, p_key, g.name, g.value) FROM unnest(v_names, v_values) g(name, value)));
    d.late := ARRAY(SELECT DISTINCT g.name COLLATE "C" FROM unnest(v.pair_names, v.pair_values) g(name, value)
                    WHERE NOT EXISTS (SELECT FROM unnest(v_names, v_values) o(name, value) WHERE o.name = g.name AND o.value = g.value) ORDER BY 1);
    IF p_add THEN
        SELECT array_agg(g.name), array_agg(g.value) INTO d.fresh_names, d.fresh_values FROM unnest(v_names, v_values) g(name, value)
        WHERE NOT EXISTS (SELECT FROM unnest(p_names, p_values) h(name, value) WHERE h.name = g.name AND h.value = g.value);
    ELSE
        SELECT array_agg(g.name), array_agg(g.value) INTO d.gone_names, d.gone_values FROM unnest(v_names, v_values) g(name, value)
        WHERE EXISTS (SELECT FROM unnest(p_names, p_values) h(name, value) WHERE h.name = g.name AND h.value = g.value);
    END IF;
    RETURN d;
END $$;
COMMENT ON FUNCTION roster_private.push_decide_change IS 'What changes when single values are added or taken away.';

CREATE FUNCTION roster_private.push_decide(c roster_private.push_context, p_kind text, p_key text, p_mode text, v roster_private.push_values,
                                           p_names text[], p_values text[]) RETURNS roster_private.push_difference
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    d         push_difference;
    v_cleared push_difference;
BEGIN
    IF p_mode IN ('set', 'replace') THEN
        RETURN push_decide_set(c, p_kind, p_key, p_mode = 'replace', v, p_names, p_values);
    END IF;
    IF p_mode = 'add' AND cardinality(v.cleared) > 0 THEN
        RAISE EXCEPTION 'attribute "%" is null: name the values to add', v.cleared[1] USING ERRCODE = 'invalid_parameter_value';
    END IF;
    d := push_decide_change(c, p_kind, p_key, p_mode = 'add', v, p_names, p_values);
    IF cardinality(v.cleared) > 0 THEN
        v_cleared := push_decide_set(c, p_kind, p_key, false, ROW(v.cleared, '{}', '{}', '{}'), p_names, p_values);
        d.gone_names := d.gone_names || v_cleared.gone_names;
        d.gone_values := d.gone_values || v_cleared.gone_values;
        d.late := d.late || v_cleared.late;
    END IF;
    RETURN d;
END $$;
COMMENT ON FUNCTION roster_private.push_decide IS 'What an event changes in attributes: set, add, remove, or replace all.';

CREATE FUNCTION roster_private.push_state_user_values(c roster_private.push_context, p_user_id bigint, p_key text, p_mode text, v roster_private.push_values)
    RETURNS text[]
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    d        push_difference;
    v_names  text[];
    v_values text[];
    v_run    bigint;
    v_first  integer;
BEGIN
    SELECT coalesce(array_agg(a.name), '{}'), coalesce(array_agg(a.value), '{}') INTO v_names, v_values
    FROM user_attribute a WHERE a.user_id = p_user_id AND a.source_id = c.source_id;
    d := push_decide(c, 'user', p_key, p_mode, v, v_names, v_values);
    IF d.gone_names IS NOT NULL THEN
        v_run := push_run(c);
        DELETE FROM user_attribute a USING unnest(d.gone_names, d.gone_values) g(name, value)
        WHERE a.user_id = p_user_id AND a.source_id = c.source_id AND a.name = g.name AND a.value = g.value;
    END IF;
    IF d.fresh_names IS NOT NULL THEN
        v_run := push_run(c);
        v_first := take_numbers(v_run, cardinality(d.fresh_names));
        INSERT INTO user_attribute (user_id, source_id, opened_no, opened_run, name, value)
        SELECT p_user_id, c.source_id, v_first + row_number() OVER (), v_run, f.name, f.value FROM unnest(d.fresh_names, d.fresh_values) f(name, value);
    END IF;
    RETURN d.late;
END $$;
COMMENT ON FUNCTION roster_private.push_state_user_values IS 'States attributes of a user whose row is locked; returns the names that the event came too late for.';

CREATE FUNCTION roster_private.push_state_group_values(c roster_private.push_context, p_group_id bigint, p_key text, p_mode text, v roster_private.push_values)
    RETURNS text[]
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    d        push_difference;
    v_names  text[];
    v_values text[];
    v_run    bigint;
    v_first  integer;
BEGIN
    SELECT coalesce(array_agg(a.name), '{}'), coalesce(array_agg(a.value), '{}') INTO v_names, v_values
    FROM group_attribute a WHERE a.group_id = p_group_id AND a.source_id = c.source_id;
    d := push_decide(c, 'group', p_key, p_mode, v, v_names, v_values);
    IF d.gone_names IS NOT NULL THEN
        v_run := push_run(c);
        DELETE FROM group_attribute a USING unnest(d.gone_names, d.gone_values) g(name, value)
        WHERE a.group_id = p_group_id AND a.source_id = c.source_id AND a.name = g.name AND a.value = g.value;
    END IF;
    IF d.fresh_names IS NOT NULL THEN
        v_run := push_run(c);
        v_first := take_numbers(v_run, cardinality(d.fresh_names));
        INSERT INTO group_attribute (group_id, source_id, opened_no, opened_run, name, value)
        SELECT p_group_id, c.source_id, v_first + row_number() OVER (), v_run, f.name, f.value FROM unnest(d.fresh_names, d.fresh_values) f(name, value);
    END IF;
    IF v_run IS NOT NULL THEN
        PERFORM refresh_group_attributes(ARRAY[p_group_id]);
    END IF;
    RETURN d.late;
END $$;
COMMENT ON FUNCTION roster_private.push_state_group_values IS 'States attributes of a group whose identity manager is locked; returns the names that the event came too late for.';
