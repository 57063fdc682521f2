-- Permissions: given at the first provisioning (default), by group, or directly.

CREATE VIEW roster.effective_permissions AS
-- Two sources may grant the same.
SELECT DISTINCT u.user_id, i.iam, u.username, p.permission, p.origin, NULL::text AS group_name
FROM roster_private.user_permission p
JOIN roster_private.app_user u ON u.user_id = p.user_id AND u.active
JOIN roster_private.iam i ON i.iam_id = u.iam_id
WHERE (p.valid_from IS NULL OR p.valid_from <= statement_timestamp()) AND (p.valid_until IS NULL OR p.valid_until > statement_timestamp())
UNION ALL
SELECT e.user_id, e.iam, e.username, p.permission, 'group', p.group_name
FROM roster_private.group_permission p
JOIN roster_private.iam i ON i.iam_id = p.iam_id
JOIN roster.effective_groups e ON e.iam = i.iam AND e.group_name = p.group_name
WHERE (p.valid_from IS NULL OR p.valid_from <= statement_timestamp()) AND (p.valid_until IS NULL OR p.valid_until > statement_timestamp());

CREATE VIEW roster.permission_grants AS
SELECT i.iam, p.permission, p.origin, u.username, NULL::text AS group_name, s.source, coalesce(r.at, r.begun) AS since, p.valid_from, p.valid_until
FROM roster_private.user_permission p
JOIN roster_private.app_user u ON u.user_id = p.user_id
JOIN roster_private.iam i ON i.iam_id = u.iam_id
JOIN roster_private.source s ON s.source_id = p.source_id
LEFT JOIN roster_private.run r ON r.run_id = p.opened_run
UNION ALL
SELECT i.iam, p.permission, 'group', NULL, p.group_name, s.source, coalesce(r.at, r.begun), p.valid_from, p.valid_until
FROM roster_private.group_permission p
JOIN roster_private.iam i ON i.iam_id = p.iam_id
JOIN roster_private.source s ON s.source_id = p.source_id
LEFT JOIN roster_private.run r ON r.run_id = p.opened_run;

CREATE FUNCTION roster_private.check_grantee(p_username text, p_group_name text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF num_nonnulls(p_username, p_group_name) <> 1 THEN
        RAISE EXCEPTION 'name either "username" or "group_name"' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example grant_permission(''report'', username => ''sam'').';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_grantee IS 'Refuses a grant to nobody and to two at once.';

CREATE FUNCTION roster.grant_permission(permission text, username text DEFAULT NULL, group_name text DEFAULT NULL, iam text DEFAULT 'builtin',
                                        valid_from timestamptz DEFAULT NULL, valid_until timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam        iam := find_iam(grant_permission.iam);
    v_permission text := clean_name('permission', grant_permission.permission);
    v_group      text;
    v_user       app_user;
    v_run        bigint;
BEGIN
    PERFORM check_grantee(grant_permission.username, grant_permission.group_name);
    PERFORM check_window(grant_permission.valid_from, grant_permission.valid_until);
    PERFORM lock_iam(v_iam.iam_id, grant_permission.group_name IS NOT NULL);
    IF grant_permission.username IS NOT NULL THEN
        v_user := find_user(v_iam, grant_permission.username);
        PERFORM FROM app_user u WHERE u.user_id = v_user.user_id FOR NO KEY UPDATE;
        v_run := single_run(v_iam.iam_id);
        DELETE FROM user_permission p
        WHERE p.user_id = v_user.user_id AND p.permission = v_permission AND p.origin = 'user' AND p.source_id = 1
          AND (p.valid_from, p.valid_until) IS DISTINCT FROM (grant_permission.valid_from, grant_permission.valid_until);
        INSERT INTO user_permission (user_id, source_id, opened_no, opened_run, valid_from, valid_until, origin, permission)
        VALUES (v_user.user_id, 1, take_numbers(v_run, 1) + 1, v_run, grant_permission.valid_from, grant_permission.valid_until, 'user', v_permission)
        ON CONFLICT DO NOTHING;
    ELSE
        -- The group may arrive later, so its name is not looked up.
        v_group := clean_name('group_name', grant_permission.group_name);
        v_run := single_run(v_iam.iam_id);
        DELETE FROM group_permission p
        WHERE p.iam_id = v_iam.iam_id AND p.group_name = v_group AND p.permission = v_permission
          AND (p.valid_from, p.valid_until) IS DISTINCT FROM (grant_permission.valid_from, grant_permission.valid_until);
        INSERT INTO group_permission (iam_id, source_id, opened_no, opened_run, valid_from, valid_until, group_name, permission)
        VALUES (v_iam.iam_id, 1, take_numbers(v_run, 1) + 1, v_run, grant_permission.valid_from, grant_permission.valid_until, v_group, v_permission)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION roster.grant_permission IS 'Grants a permission to a user, or to the present members of a group (which may arrive later), within a window if one is given. False when the same was granted already. Errors: 42704 unknown user or iam, 22023 no or two grantees, empty name or window.';

CREATE FUNCTION roster.revoke_permission(permission text, username text DEFAULT NULL, group_name text DEFAULT NULL, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam        iam := find_iam(revoke_permission.iam);
    v_permission text := clean_name('permission', revoke_permission.permission);
    v_user       app_user;
BEGIN
    PERFORM check_grantee(revoke_permission.username, revoke_permission.group_name);
    PERFORM lock_iam(v_iam.iam_id, revoke_permission.group_name IS NOT NULL);
    IF revoke_permission.username IS NOT NULL THEN
        v_user := find_user(v_iam, revoke_permission.username);
        PERFORM single_run(v_iam.iam_id);
        DELETE FROM user_permission p WHERE p.user_id = v_user.user_id AND p.permission = v_permission AND p.source_id = 1;
        IF NOT FOUND THEN
            PERFORM refuse_foreign(format('permission "%s" of user "%s"', v_permission, v_user.username),
                (SELECT min(p.source_id) FROM user_permission p WHERE p.user_id = v_user.user_id AND p.permission = v_permission));
            RETURN false;
        END IF;
    ELSE
        PERFORM single_run(v_iam.iam_id);
        DELETE FROM group_permission p
        WHERE p.iam_id = v_iam.iam_id AND p.group_name = clean_name('group_name', revoke_permission.group_name) AND p.permission = v_permission;
    END IF;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION roster.revoke_permission IS 'Revokes a permission from a user, one given by default included, or from a group. False when there was none. Errors as grant_permission, 42501 another source grants it.';

CREATE FUNCTION roster.set_default_permissions(iam text, permissions text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(set_default_permissions.iam);
    v_wanted text[];
    v_before text[];
BEGIN
    IF set_default_permissions.permissions IS NULL THEN
        RAISE EXCEPTION 'argument "permissions" must not be NULL' USING ERRCODE = 'invalid_parameter_value', HINT = 'An empty array gives new users nothing.';
    END IF;
    v_wanted := ARRAY(SELECT DISTINCT clean_name('permissions', p) COLLATE "C" FROM unnest(set_default_permissions.permissions) p ORDER BY 1);
    PERFORM lock_iam(v_iam.iam_id, true);
    v_before := ARRAY(SELECT d.permission COLLATE "C" FROM default_permission d WHERE d.iam_id = v_iam.iam_id ORDER BY 1);
    IF v_before <> v_wanted THEN
        DELETE FROM default_permission d WHERE d.iam_id = v_iam.iam_id;
        INSERT INTO default_permission (iam_id, permission) SELECT v_iam.iam_id, p FROM unnest(v_wanted) p;
        PERFORM record_config(single_run(v_iam.iam_id), 'change', 'default_permissions', v_iam.iam_id, v_iam.iam, NULL, to_jsonb(v_before), to_jsonb(v_wanted));
    END IF;
END $$;
COMMENT ON FUNCTION roster.set_default_permissions IS 'What users of an identity manager are given once, when they are first provisioned; present users keep what they have. Errors: 42704 unknown iam, 22023 empty name.';

-- Validity -------------------------------------------------------------------------------------------------------------

-- Views stop showing a fact at its end; this moves it to history, so that the feed tells it.
CREATE FUNCTION roster.expire_due() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam_id   integer;
    v_now      timestamptz := statement_timestamp();
    v_carriers bigint[];
    v_rows     bigint;
    v_total    bigint := 0;
BEGIN
    FOR v_iam_id IN
        SELECT u.iam_id FROM membership f JOIN app_user u USING (user_id) WHERE f.valid_until <= v_now
        UNION SELECT u.iam_id FROM user_attribute f JOIN app_user u USING (user_id) WHERE f.valid_until <= v_now
        UNION SELECT g.iam_id FROM group_attribute f JOIN app_group g USING (group_id) WHERE f.valid_until <= v_now
        UNION SELECT u.iam_id FROM user_permission f JOIN app_user u USING (user_id) WHERE f.valid_until <= v_now
        UNION SELECT f.iam_id FROM group_permission f WHERE f.valid_until <= v_now
        ORDER BY 1
    LOOP
        PERFORM lock_iam(v_iam_id, true);
        PERFORM single_run(v_iam_id);
        DELETE FROM membership f USING app_user u WHERE f.valid_until <= v_now AND u.user_id = f.user_id AND u.iam_id = v_iam_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
        DELETE FROM user_attribute f USING app_user u WHERE f.valid_until <= v_now AND u.user_id = f.user_id AND u.iam_id = v_iam_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
        DELETE FROM user_permission f USING app_user u WHERE f.valid_until <= v_now AND u.user_id = f.user_id AND u.iam_id = v_iam_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
        DELETE FROM group_permission f WHERE f.valid_until <= v_now AND f.iam_id = v_iam_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT; v_total := v_total + v_rows;
        WITH gone AS (
            DELETE FROM group_attribute f USING app_group g WHERE f.valid_until <= v_now AND g.group_id = f.group_id AND g.iam_id = v_iam_id
            RETURNING f.group_id)
        SELECT coalesce(array_agg(DISTINCT gone.group_id), '{}'), count(*) INTO v_carriers, v_rows FROM gone;
        v_total := v_total + v_rows;
        PERFORM refresh_group_attributes(v_carriers);
    END LOOP;
    RETURN v_total;
END $$;
COMMENT ON FUNCTION roster.expire_due IS 'Closes memberships, attributes and grants whose valid_until has passed, so that roster.changes tells it, and returns how many. Views do not wait for it. A running daemon calls it every half minute; without one, schedule it.';
