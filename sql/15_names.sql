-- Names: read once, compared the same way everywhere, and told apart by clear errors.

CREATE FUNCTION roster_private.is_blank(p_value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN btrim(p_value, E' \t\n\r\f\v\u00a0') = '';
COMMENT ON FUNCTION roster_private.is_blank IS 'Whether a text has nothing but white space.';

CREATE FUNCTION roster_private.clean_name(p_argument text, p_value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_value IS NULL OR is_blank(p_value) THEN
        RAISE EXCEPTION 'argument "%" must not be %', p_argument, CASE WHEN p_value IS NULL THEN 'NULL' ELSE 'empty' END
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Pass a name as %I.', p_argument);
    END IF;
    -- NFC can be longer than what was passed.
    IF octet_length(normalize(p_value, NFC)) > 1000 THEN
        RAISE EXCEPTION 'argument "%" has % bytes, names may have 1000', p_argument, octet_length(normalize(p_value, NFC))
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a shorter name.';
    END IF;
    RETURN normalize(p_value, NFC);
END $$;
COMMENT ON FUNCTION roster_private.clean_name IS 'A name in Unicode NFC; an error that names the argument when it is NULL, empty or longer than an index holds.';

CREATE FUNCTION roster_private.find_iam(p_iam text) RETURNS roster_private.iam
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name text := clean_name('iam', p_iam);
    v_iam  iam;
BEGIN
    SELECT i.* INTO v_iam FROM iam i WHERE i.iam = CASE v_name WHEN 'bim' THEN 'builtin' ELSE v_name END AND i.dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'identity manager "%" does not exist', v_name
            USING ERRCODE = 'undefined_object',
                  HINT = 'Argument "iam": see roster.identity_managers, or create it with roster.create_identity_manager().';
    END IF;
    RETURN v_iam;
END $$;
COMMENT ON FUNCTION roster_private.find_iam IS 'The identity manager of that name; "bim" is the built-in one.';

CREATE FUNCTION roster_private.find_user(p_iam roster_private.iam, p_username text) RETURNS roster_private.app_user
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name text := clean_name('username', p_username);
    v_user app_user;
BEGIN
    SELECT u.* INTO v_user FROM app_user u
    WHERE u.iam_id = p_iam.iam_id AND u.username_key = name_key(v_name, p_iam.case_sensitive);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user "%" does not exist in identity manager "%"', v_name, p_iam.iam
            USING ERRCODE = 'undefined_object',
                  HINT = 'Argument "username": see roster.users, or create the user with roster.create_user(); argument "iam" says where to look.';
    END IF;
    RETURN v_user;
END $$;
COMMENT ON FUNCTION roster_private.find_user IS 'The user of that name in an identity manager.';

CREATE FUNCTION roster_private.find_group(p_argument text, p_iam roster_private.iam, p_group_name text) RETURNS roster_private.app_group
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name  text := clean_name(p_argument, p_group_name);
    v_group app_group;
BEGIN
    SELECT g.* INTO v_group FROM app_group g
    WHERE g.iam_id = p_iam.iam_id AND g.group_name_key = v_name AND g.active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'group "%" does not exist in identity manager "%"', v_name, p_iam.iam
            USING ERRCODE = 'undefined_object',
                  HINT = format('Argument "%s": see roster.groups, or create the group with roster.create_group(); argument "iam" says where to look.', p_argument);
    END IF;
    RETURN v_group;
END $$;
COMMENT ON FUNCTION roster_private.find_group IS 'The group of that name in an identity manager; p_argument is named in errors.';

CREATE FUNCTION roster_private.find_source(p_source text) RETURNS roster_private.source
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name   text := clean_name('source', p_source);
    v_source source;
BEGIN
    SELECT s.* INTO v_source FROM source s WHERE s.source = v_name AND s.dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'source "%" does not exist', v_name
            USING ERRCODE = 'undefined_object', HINT = 'Argument "source": see roster.sources, or create it with roster.create_source().';
    END IF;
    RETURN v_source;
END $$;
COMMENT ON FUNCTION roster_private.find_source IS 'The source of that name.';

CREATE FUNCTION roster_private.user_document(username text, external_id text, display_name text, email text, active boolean, profile jsonb)
    RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('username', username, 'external_id', external_id, 'display_name', display_name,
                              'email', email, 'active', active, 'profile', profile);
COMMENT ON FUNCTION roster_private.user_document IS 'A user as it stands in before and after of a change.';

CREATE FUNCTION roster_private.group_document(group_name text, external_id text, display_name text, profile jsonb)
    RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN jsonb_build_object('group_name', group_name, 'external_id', external_id, 'display_name', display_name, 'profile', profile);
COMMENT ON FUNCTION roster_private.group_document IS 'A group as it stands in before and after of a change.';

CREATE FUNCTION roster_private.window_document(valid_from timestamptz, valid_until timestamptz)
    RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN valid_from IS NOT NULL OR valid_until IS NOT NULL
                THEN jsonb_strip_nulls(jsonb_build_object('valid_from', valid_from, 'valid_until', valid_until)) END;
COMMENT ON FUNCTION roster_private.window_document IS 'The validity window of a membership as it stands in a change; NULL when it has none.';
