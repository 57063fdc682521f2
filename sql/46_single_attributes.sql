-- Single changes of attributes. set replaces what SQL calls stated under the name, add and remove change one value.

CREATE FUNCTION roster_private.clean_values(p_values text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_values IS NULL OR array_position(p_values, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'argument "value" or "vals" must not be or contain NULL'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Use remove_user_attribute() or remove_group_attribute(), or an empty array, to take values away.';
    END IF;
    RETURN ARRAY(SELECT DISTINCT normalize(v, NFC) FROM unnest(p_values) v);
END $$;
COMMENT ON FUNCTION roster_private.clean_values IS 'Distinct values in Unicode NFC.';

CREATE FUNCTION roster_private.put_user_attribute(p_username text, p_name text, p_values text[], p_from timestamptz, p_until timestamptz,
                                                  p_iam text, p_replace boolean) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(p_iam);
    v_name   text := clean_name('name', p_name);
    v_values text[] := clean_values(p_values);
    v_user   app_user;
    v_run    bigint;
    v_closed bigint;
    v_opened bigint;
BEGIN
    PERFORM check_window(p_from, p_until);
    PERFORM lock_iam(v_iam.iam_id, false);
    v_user := find_user(v_iam, p_username);
    -- Two sessions replacing the same set must not both keep their half.
    PERFORM FROM app_user u WHERE u.user_id = v_user.user_id FOR NO KEY UPDATE;
    v_run := single_run(v_iam.iam_id);
    DELETE FROM user_attribute a
    WHERE a.user_id = v_user.user_id AND a.name = v_name AND a.source_id = 1
      AND CASE WHEN a.value = ANY (v_values) THEN (a.valid_from, a.valid_until) IS DISTINCT FROM (p_from, p_until) ELSE p_replace END;
    GET DIAGNOSTICS v_closed = ROW_COUNT;
    INSERT INTO user_attribute (user_id, source_id, opened_no, opened_run, valid_from, valid_until, name, value)
    SELECT v_user.user_id, 1, n.first + row_number() OVER (ORDER BY v COLLATE "C"), v_run, p_from, p_until, v_name, v
    FROM unnest(v_values) v, (SELECT take_numbers(v_run, cardinality(v_values)) AS first OFFSET 0) n
    WHERE NOT EXISTS (SELECT FROM user_attribute a WHERE a.user_id = v_user.user_id AND a.name = v_name AND a.value = v AND a.source_id = 1);
    GET DIAGNOSTICS v_opened = ROW_COUNT;
    RETURN v_closed + v_opened > 0;
END $$;
COMMENT ON FUNCTION roster_private.put_user_attribute IS 'States values of a user''s attribute; p_replace closes what else was stated under the name.';

CREATE FUNCTION roster_private.put_group_attribute(p_group_name text, p_name text, p_values text[], p_from timestamptz, p_until timestamptz,
                                                   p_iam text, p_replace boolean) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(p_iam);
    v_name   text := clean_name('name', p_name);
    v_values text[] := clean_values(p_values);
    v_group  app_group;
    v_run    bigint;
    v_closed bigint;
    v_opened bigint;
BEGIN
    PERFORM check_window(p_from, p_until);
    PERFORM lock_iam(v_iam.iam_id, true);
    v_group := find_group('group_name', v_iam, p_group_name);
    v_run := single_run(v_iam.iam_id);
    DELETE FROM group_attribute a
    WHERE a.group_id = v_group.group_id AND a.name = v_name AND a.source_id = 1
      AND CASE WHEN a.value = ANY (v_values) THEN (a.valid_from, a.valid_until) IS DISTINCT FROM (p_from, p_until) ELSE p_replace END;
    GET DIAGNOSTICS v_closed = ROW_COUNT;
    INSERT INTO group_attribute (group_id, source_id, opened_no, opened_run, valid_from, valid_until, name, value)
    SELECT v_group.group_id, 1, n.first + row_number() OVER (ORDER BY v COLLATE "C"), v_run, p_from, p_until, v_name, v
    FROM unnest(v_values) v, (SELECT take_numbers(v_run, cardinality(v_values)) AS first OFFSET 0) n
    WHERE NOT EXISTS (SELECT FROM group_attribute a WHERE a.group_id = v_group.group_id AND a.name = v_name AND a.value = v AND a.source_id = 1);
    GET DIAGNOSTICS v_opened = ROW_COUNT;
    PERFORM refresh_group_attributes(ARRAY[v_group.group_id]);
    RETURN v_closed + v_opened > 0;
END $$;
COMMENT ON FUNCTION roster_private.put_group_attribute IS 'States values of a group''s attribute; p_replace closes what else was stated under the name.';

CREATE FUNCTION roster.set_user_attribute(username text, name text, value text, valid_from timestamptz DEFAULT NULL,
                                          valid_until timestamptz DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT put_user_attribute(username, name, ARRAY[value], valid_from, valid_until, iam, true) $$;
CREATE FUNCTION roster.set_user_attribute(username text, name text, vals text[], valid_from timestamptz DEFAULT NULL,
                                          valid_until timestamptz DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT put_user_attribute(username, name, vals, valid_from, valid_until, iam, true) $$;
CREATE FUNCTION roster.add_user_attribute(username text, name text, value text, valid_from timestamptz DEFAULT NULL,
                                          valid_until timestamptz DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT put_user_attribute(username, name, ARRAY[value], valid_from, valid_until, iam, false) $$;
COMMENT ON FUNCTION roster.set_user_attribute(text, text, text, timestamptz, timestamptz, text) IS 'Makes value the only one that SQL calls state for the user''s attribute, within a window if one is given. False when nothing changed. Errors: 42704 unknown user or iam, 22023 empty name, NULL value or empty window.';
COMMENT ON FUNCTION roster.set_user_attribute(text, text, text[], timestamptz, timestamptz, text) IS 'The same with a set of values; an empty array takes all away.';
COMMENT ON FUNCTION roster.add_user_attribute IS 'Adds one value to a user''s attribute, within a window if one is given; a value that is there gets the new window. False when nothing changed. Errors as set_user_attribute.';

CREATE FUNCTION roster.set_group_attribute(group_name text, name text, value text, valid_from timestamptz DEFAULT NULL,
                                           valid_until timestamptz DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT put_group_attribute(group_name, name, ARRAY[value], valid_from, valid_until, iam, true) $$;
CREATE FUNCTION roster.set_group_attribute(group_name text, name text, vals text[], valid_from timestamptz DEFAULT NULL,
                                           valid_until timestamptz DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT put_group_attribute(group_name, name, vals, valid_from, valid_until, iam, true) $$;
CREATE FUNCTION roster.add_group_attribute(group_name text, name text, value text, valid_from timestamptz DEFAULT NULL,
                                           valid_until timestamptz DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT put_group_attribute(group_name, name, ARRAY[value], valid_from, valid_until, iam, false) $$;
COMMENT ON FUNCTION roster.set_group_attribute(text, text, text, timestamptz, timestamptz, text) IS 'Makes value the only one that SQL calls state for the group''s attribute; also on groups of external identity managers. Every member inherits it. False when nothing changed. Errors: 42704 unknown group or iam, 22023 empty name, NULL value or empty window.';
COMMENT ON FUNCTION roster.set_group_attribute(text, text, text[], timestamptz, timestamptz, text) IS 'The same with a set of values; an empty array takes all away.';
COMMENT ON FUNCTION roster.add_group_attribute IS 'Adds one value to a group''s attribute. False when nothing changed. Errors as set_group_attribute.';

CREATE FUNCTION roster.remove_user_attribute(username text, name text, value text DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam   iam := find_iam(remove_user_attribute.iam);
    v_name  text := clean_name('name', remove_user_attribute.name);
    v_value text := normalize(remove_user_attribute.value, NFC);
    v_user  app_user;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, false);
    v_user := find_user(v_iam, remove_user_attribute.username);
    PERFORM single_run(v_iam.iam_id);
    DELETE FROM user_attribute a
    WHERE a.user_id = v_user.user_id AND a.name = v_name AND a.source_id = 1 AND (v_value IS NULL OR a.value = v_value);
    IF NOT FOUND THEN
        PERFORM refuse_foreign(format('attribute "%s" of user "%s"', v_name, v_user.username),
            (SELECT min(a.source_id) FROM user_attribute a
             WHERE a.user_id = v_user.user_id AND a.name = v_name AND a.source_id <> 1 AND (v_value IS NULL OR a.value = v_value)));
        RETURN false;
    END IF;
    RETURN true;
END $$;
COMMENT ON FUNCTION roster.remove_user_attribute IS 'Takes away one value that SQL calls stated for a user''s attribute, or all (value NULL). False when there was none. Errors: 42704 unknown user or iam, 42501 the value is another source''s.';

CREATE FUNCTION roster.remove_group_attribute(group_name text, name text, value text DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam   iam := find_iam(remove_group_attribute.iam);
    v_name  text := clean_name('name', remove_group_attribute.name);
    v_value text := normalize(remove_group_attribute.value, NFC);
    v_group app_group;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, true);
    v_group := find_group('group_name', v_iam, remove_group_attribute.group_name);
    PERFORM single_run(v_iam.iam_id);
    DELETE FROM group_attribute a
    WHERE a.group_id = v_group.group_id AND a.name = v_name AND a.source_id = 1 AND (v_value IS NULL OR a.value = v_value);
    IF NOT FOUND THEN
        PERFORM refuse_foreign(format('attribute "%s" of group "%s"', v_name, v_group.group_name),
            (SELECT min(a.source_id) FROM group_attribute a
             WHERE a.group_id = v_group.group_id AND a.name = v_name AND a.source_id <> 1 AND (v_value IS NULL OR a.value = v_value)));
        RETURN false;
    END IF;
    PERFORM refresh_group_attributes(ARRAY[v_group.group_id]);
    RETURN true;
END $$;
COMMENT ON FUNCTION roster.remove_group_attribute IS 'Takes away one value that SQL calls stated for a group''s attribute, or all (value NULL). False when there was none. Errors: 42704 unknown group or iam, 42501 the value is another source''s.';
