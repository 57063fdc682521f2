-- SCIM: what a source states about a user beside the account: attributes, permissions, platform usernames.

CREATE FUNCTION roster_private.scim_state_attributes(c roster_private.scim_context, p_user_id bigint, p_names text[], p_values text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_gone  bigint;
    v_fresh bigint;
    v_first integer;
    v_run   bigint;
BEGIN
    SELECT count(*) FILTER (WHERE d.name IS NULL), count(*) FILTER (WHERE a.name IS NULL) INTO v_gone, v_fresh
    FROM (SELECT a.name, a.value FROM user_attribute a WHERE a.user_id = p_user_id AND a.source_id = c.source_id) a
    FULL JOIN unnest(p_names, p_values) d(name, value) ON d.name = a.name AND d.value = a.value;
    IF v_gone + v_fresh = 0 THEN
        RETURN;
    END IF;
    v_run := scim_run(c);
    IF v_gone > 0 THEN
        DELETE FROM user_attribute a
        WHERE a.user_id = p_user_id AND a.source_id = c.source_id
          AND NOT EXISTS (SELECT FROM unnest(p_names, p_values) d(name, value) WHERE d.name = a.name AND d.value = a.value);
    END IF;
    IF v_fresh > 0 THEN
        v_first := take_numbers(v_run, v_fresh);
        INSERT INTO user_attribute (user_id, source_id, opened_no, opened_run, name, value)
        SELECT p_user_id, c.source_id, v_first + row_number() OVER (), v_run, d.name, d.value
        FROM unnest(p_names, p_values) d(name, value)
        WHERE NOT EXISTS (SELECT FROM user_attribute a WHERE a.user_id = p_user_id AND a.name = d.name AND a.value = d.value AND a.source_id = c.source_id);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.scim_state_attributes IS 'Makes the given values all that the source states about a user.';

CREATE FUNCTION roster_private.scim_state_permissions(c roster_private.scim_context, p_user_id bigint, p_permissions text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_gone  text[];
    v_fresh text[];
    v_first integer;
    v_run   bigint;
BEGIN
    SELECT array_agg(a.permission) FILTER (WHERE d.permission IS NULL), array_agg(d.permission) FILTER (WHERE a.permission IS NULL)
    INTO v_gone, v_fresh
    FROM (SELECT a.permission FROM user_permission a WHERE a.user_id = p_user_id AND a.source_id = c.source_id) a
    FULL JOIN unnest(p_permissions) d(permission) ON d.permission = a.permission
    WHERE a.permission IS NULL OR d.permission IS NULL;
    IF v_gone IS NULL AND v_fresh IS NULL THEN
        RETURN;
    END IF;
    PERFORM clean_name('permission', d.permission) FROM unnest(v_fresh) d(permission);
    v_run := scim_run(c);
    DELETE FROM user_permission a WHERE a.user_id = p_user_id AND a.source_id = c.source_id AND a.permission = ANY (v_gone);
    IF v_fresh IS NOT NULL THEN
        v_first := take_numbers(v_run, cardinality(v_fresh));
        INSERT INTO user_permission (user_id, source_id, opened_no, opened_run, origin, permission)
        SELECT p_user_id, c.source_id, v_first + d.no, v_run, 'user', d.permission
        FROM unnest(v_fresh) WITH ORDINALITY d(permission, no);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.scim_state_permissions IS 'Makes the given permissions all that the source grants to a user.';

-- How a user is called on a platform is one name: what an administrator set by hand stands, and the provider's waits.
CREATE FUNCTION roster_private.scim_state_platforms(c roster_private.scim_context, p_user_id bigint, p_platforms text[], p_usernames text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_gone  text[];
    v_fresh text[];
    v_first integer;
    v_run   bigint;
BEGIN
    SELECT array_agg(a.platform) FILTER (WHERE a.source_id = c.source_id),
           array_agg(d.platform) FILTER (WHERE d.platform IS NOT NULL AND (a.source_id IS NULL OR a.source_id = c.source_id))
    INTO v_gone, v_fresh
    FROM (SELECT a.platform, a.source_id, a.platform_username FROM platform_username a WHERE a.user_id = p_user_id) a
    FULL JOIN unnest(p_platforms, p_usernames) d(platform, username) ON d.platform = a.platform
    WHERE a.platform_username IS DISTINCT FROM d.username;
    IF v_gone IS NULL AND v_fresh IS NULL THEN
        RETURN;
    END IF;
    PERFORM clean_name('platform_username', d.username) FROM unnest(p_usernames) d(username);
    v_run := scim_run(c);
    DELETE FROM platform_username a WHERE a.user_id = p_user_id AND a.source_id = c.source_id AND a.platform = ANY (v_gone);
    IF v_fresh IS NOT NULL THEN
        v_first := take_numbers(v_run, cardinality(v_fresh));
        INSERT INTO platform_username (user_id, source_id, opened_no, opened_run, platform, state, platform_username)
        SELECT p_user_id, c.source_id, v_first + row_number() OVER (), v_run, d.platform, 'value', d.username
        FROM unnest(p_platforms, p_usernames) d(platform, username) WHERE d.platform = ANY (v_fresh);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.scim_state_platforms IS 'Makes the given platform usernames all that the source states about a user, except where somebody else stated one.';
