-- Single changes: what a SQL call states belongs to the source "manual". Calls of one transaction are one run.

CREATE TYPE roster_private.ordinals AS (run_id bigint, first integer);
COMMENT ON TYPE roster_private.ordinals IS 'A run and where the ordinals reserved in it begin: first + 1.';

CREATE FUNCTION roster_private.begin_single(p_actor text, p_source_id integer, p_iam_id integer, p_count integer) RETURNS roster_private.ordinals
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run     bigint := nullif(current_setting('roster_private.run', true), '')::bigint;
    v_iam_ids integer[];
BEGIN
    -- The setting is a hint that anybody can forge; the row decides.
    SELECT r.iam_ids INTO v_iam_ids FROM run r
    WHERE r.run_id = v_run AND r.single AND r.source_id = p_source_id
      AND r.xact = pg_current_xact_id() AND r.begun = transaction_timestamp();
    IF NOT FOUND THEN
        v_run := nextval('roster_private.run_id_seq');
        INSERT INTO run (run_id, actor, source_id, iam_ids, single, changes) VALUES (v_run, p_actor, p_source_id, ARRAY[p_iam_id], true, p_count);
        PERFORM write_as(v_run);
        RETURN ROW(v_run, 0)::ordinals;
    ELSIF p_iam_id <> ALL (v_iam_ids) THEN
        UPDATE run r SET iam_ids = r.iam_ids || p_iam_id WHERE r.run_id = v_run;
    END IF;
    RETURN ROW(v_run, CASE WHEN p_count > 0 THEN take_numbers(v_run, p_count) END)::ordinals;
END $$;
COMMENT ON FUNCTION roster_private.begin_single IS 'The run of this transaction''s single changes for one source, begun by p_actor when it has none yet, with p_count ordinals reserved in it.';

CREATE FUNCTION roster_private.single_run(p_iam_id integer) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN (begin_single(caller(), 1, p_iam_id, 0)).run_id;
END $$;
COMMENT ON FUNCTION roster_private.single_run IS 'The run of this transaction''s SQL calls.';

CREATE FUNCTION roster_private.record_config(p_run_id bigint, p_change text, p_kind text, p_iam_id integer, p_subject text,
                                             p_name text, p_before jsonb, p_after jsonb) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    INSERT INTO config_change (run_id, no, change, kind, iam_id, subject, name, before, after)
    VALUES (p_run_id, take_numbers(p_run_id, 1) + 1, p_change, p_kind, p_iam_id, p_subject, p_name, p_before, p_after)
$$;
COMMENT ON FUNCTION roster_private.record_config IS 'Audits a change that is not a fact.';

CREATE FUNCTION roster_private.check_window(p_from timestamptz, p_until timestamptz) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_from >= p_until THEN
        RAISE EXCEPTION 'argument "valid_until" (%) must be after "valid_from" (%)', p_until, p_from
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave either NULL for no limit.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_window IS 'Refuses a validity window that never holds.';

-- Users ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster.create_user(username text, iam text DEFAULT 'builtin', display_name text DEFAULT NULL, email text DEFAULT NULL,
                                   profile jsonb DEFAULT '{}', password text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET log_min_error_statement = 'panic'
    AS $$
DECLARE
    v_iam  iam := find_iam(create_user.iam);
    v_name text := clean_name('username', create_user.username);
    v_phc  text := CASE WHEN create_user.password IS NOT NULL THEN password_to_keep(create_user.password) END;
    v_id   bigint;
    v_run  bigint;
BEGIN
    PERFORM check_profile(profile);
    PERFORM lock_iam(v_iam.iam_id, false);
    v_run := single_run(v_iam.iam_id);
    v_id := nextval('roster_private.user_id_seq');
    BEGIN
        INSERT INTO app_user (user_id, iam_id, source_id, username, username_key, display_name, email, profile, active,
                              created_run, opened_run, opened_no)
        VALUES (v_id, v_iam.iam_id, 1, v_name, name_key(v_name, v_iam.case_sensitive), normalize(create_user.display_name, NFC),
                normalize(create_user.email, NFC), coalesce(create_user.profile, '{}'), true, v_run, v_run, take_numbers(v_run, 1) + 1);
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'user "%" exists already in identity manager "%"', v_name, v_iam.iam
            USING ERRCODE = 'unique_violation', HINT = 'Argument "username": pick another, or see roster.users (a disabled user keeps the name: roster.enable_user(), roster.delete_user()).';
    END;
    INSERT INTO user_claim (source_id, key, user_id, active) VALUES (1, md5('user ' || v_id)::uuid, v_id, true);
    PERFORM give_default_permissions(v_run, v_iam.iam_id, ARRAY[v_id]);
    IF v_phc IS NOT NULL THEN
        PERFORM put_password(v_iam.iam_id, v_id, v_name, v_phc);
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION roster.create_user IS 'Creates an active user of an identity manager and returns user_id. Names are Unicode NFC. profile: a JSON object of general information, never an entitlement. password: as in set_password, NULL = none. Errors: 42704 unknown iam, 22023 empty name or no such password allowed, 23505 name taken.';

CREATE FUNCTION roster_private.check_profile(p_profile jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF jsonb_typeof(p_profile) <> 'object' THEN
        RAISE EXCEPTION 'argument "profile" must be a JSON object, not %', jsonb_typeof(p_profile)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''{"title": "Engineer"}''.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_profile IS 'Refuses a profile that is not an object.';

CREATE FUNCTION roster_private.set_user_state(p_user roster_private.app_user, p_disabled boolean) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run    bigint;
    v_active boolean := NOT p_disabled AND EXISTS (SELECT FROM user_claim k WHERE k.user_id = p_user.user_id AND k.active);
BEGIN
    PERFORM FROM app_user u WHERE u.user_id = p_user.user_id AND u.admin_disabled IS DISTINCT FROM p_disabled FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_run := single_run(p_user.iam_id);
    UPDATE app_user u
    SET admin_disabled = p_disabled, active = v_active, version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
    WHERE u.user_id = p_user.user_id;
    RETURN true;
END $$;
COMMENT ON FUNCTION roster_private.set_user_state IS 'Sets or lifts an administrator''s veto on a user. False when it stood so already.';

CREATE FUNCTION roster.disable_user(username text, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam iam := find_iam(disable_user.iam);
BEGIN
    PERFORM lock_iam(v_iam.iam_id, false);
    RETURN set_user_state(find_user(v_iam, disable_user.username), true);
END $$;
COMMENT ON FUNCTION roster.disable_user IS 'Disables a user until enable_user, whatever the sources say. False when an administrator had disabled the user already. Errors: 42704 unknown user or iam.';

CREATE FUNCTION roster.enable_user(username text, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam     iam := find_iam(enable_user.iam);
    v_changed boolean;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, false);
    v_changed := set_user_state(find_user(v_iam, enable_user.username), false);
    IF NOT (find_user(v_iam, enable_user.username)).active THEN
        RAISE WARNING 'user "%" stays inactive: no source says that the user exists', enable_user.username
            USING HINT = 'The user returns when a source brings the same immutable id again.';
    END IF;
    RETURN v_changed;
END $$;
COMMENT ON FUNCTION roster.enable_user IS 'Lifts disable_user. False when the user was not disabled by an administrator. A user whom no source states stays inactive (warning). Errors: 42704 unknown user or iam.';

-- Groups of which a deleted user or group was a member are compared in full at the next run of their source, or the
-- member would be missing there when it comes back.
CREATE FUNCTION roster_private.recheck_groups(p_groups bigint[]) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ UPDATE group_claim SET fingerprint = NULL WHERE group_id = ANY (p_groups) AND fingerprint IS NOT NULL $$;
COMMENT ON FUNCTION roster_private.recheck_groups IS 'Has groups compared in full at the next run of their sources.';

-- Who left and gave the name up is found when nobody holds it: the last of them.
CREATE FUNCTION roster_private.find_leaver(p_iam roster_private.iam, p_username text) RETURNS roster_private.app_user
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_key  text := name_key(clean_name('username', p_username), p_iam.case_sensitive);
    v_user app_user;
BEGIN
    IF NOT EXISTS (SELECT FROM app_user u WHERE u.iam_id = p_iam.iam_id AND u.username_key = v_key) THEN
        SELECT u.* INTO v_user FROM app_user u
        WHERE u.iam_id = p_iam.iam_id AND u.username_key IS NULL AND name_key(u.username, p_iam.case_sensitive) = v_key
        ORDER BY u.user_id DESC LIMIT 1;
    END IF;
    RETURN v_user;
END $$;
COMMENT ON FUNCTION roster_private.find_leaver IS 'Somebody who left under a name that nobody has now; NULL when there is none.';

CREATE FUNCTION roster.delete_user(username text, iam text DEFAULT 'builtin') RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam  iam := find_iam(delete_user.iam);
    v_user app_user;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, true);
    v_user := find_leaver(v_iam, delete_user.username);
    IF v_user.user_id IS NULL THEN
        v_user := find_user(v_iam, delete_user.username);
    END IF;
    PERFORM single_run(v_iam.iam_id);
    PERFORM recheck_groups(ARRAY(SELECT m.group_id FROM membership m WHERE m.user_id = v_user.user_id AND m.source_id <> 1));
    PERFORM scim_touch_groups(m.source_id, array_agg(m.group_id)) FROM membership m WHERE m.user_id = v_user.user_id GROUP BY m.source_id;
    DELETE FROM membership m WHERE m.user_id = v_user.user_id;
    DELETE FROM user_attribute a WHERE a.user_id = v_user.user_id;
    DELETE FROM user_permission p WHERE p.user_id = v_user.user_id;
    DELETE FROM platform_username p WHERE p.user_id = v_user.user_id;
    DELETE FROM user_password p WHERE p.user_id = v_user.user_id;
    DELETE FROM user_claim k WHERE k.user_id = v_user.user_id;
    PERFORM scim_forget(v_user.user_id, NULL);
    DELETE FROM app_user u WHERE u.user_id = v_user.user_id;
END $$;
COMMENT ON FUNCTION roster.delete_user IS 'Deletes a user for good, with memberships and attributes; history keeps what was. When nobody has the name, the last who left under it. A source that still has the user brings a new one that inherits nothing: disable_user is what outlives a sync. Errors: 42704 unknown user or iam.';

-- Groups --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster.create_group(group_name text, iam text DEFAULT 'builtin', display_name text DEFAULT NULL, profile jsonb DEFAULT '{}')
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam  iam := find_iam(create_group.iam);
    v_name text := clean_name('group_name', create_group.group_name);
    v_id   bigint;
    v_run  bigint;
BEGIN
    PERFORM check_profile(profile);
    PERFORM lock_iam(v_iam.iam_id, true);
    IF EXISTS (SELECT FROM app_group g WHERE g.iam_id = v_iam.iam_id AND g.group_name_key = v_name AND g.active) THEN
        RAISE EXCEPTION 'group "%" exists already in identity manager "%"', v_name, v_iam.iam
            USING ERRCODE = 'unique_violation', HINT = 'Argument "group_name": pick another, or see roster.groups.';
    END IF;
    v_run := single_run(v_iam.iam_id);
    v_id := nextval('roster_private.group_id_seq');
    UPDATE app_group g SET group_name_key = NULL WHERE g.iam_id = v_iam.iam_id AND g.group_name_key = v_name AND NOT g.active;
    INSERT INTO app_group (group_id, iam_id, source_id, group_name, group_name_key, display_name, profile, active, created_run, opened_run, opened_no)
    VALUES (v_id, v_iam.iam_id, 1, v_name, v_name, normalize(create_group.display_name, NFC), coalesce(create_group.profile, '{}'), true,
            v_run, v_run, take_numbers(v_run, 1) + 1);
    INSERT INTO group_claim (source_id, key, group_id) VALUES (1, md5('group ' || v_id)::uuid, v_id);
    PERFORM refresh_groups(ARRAY[v_id]);
    RETURN v_id;
END $$;
COMMENT ON FUNCTION roster.create_group IS 'Creates a group of an identity manager and returns group_id. Errors: 42704 unknown iam, 22023 empty name, 23505 name taken.';

CREATE FUNCTION roster.delete_group(group_name text, iam text DEFAULT 'builtin') RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam      iam := find_iam(delete_group.iam);
    v_group    app_group;
    v_children bigint[];
BEGIN
    PERFORM lock_iam(v_iam.iam_id, true);
    v_group := find_group('group_name', v_iam, delete_group.group_name);
    PERFORM single_run(v_iam.iam_id);
    v_children := ARRAY(SELECT n.child_id FROM nesting n WHERE n.parent_id = v_group.group_id);
    PERFORM recheck_groups(ARRAY(SELECT n.parent_id FROM nesting n WHERE n.child_id = v_group.group_id AND n.source_id <> 1));
    PERFORM scim_touch_groups(n.source_id, array_agg(n.parent_id)) FROM nesting n WHERE n.child_id = v_group.group_id GROUP BY n.source_id;
    DELETE FROM membership m WHERE m.group_id = v_group.group_id;
    DELETE FROM nesting n WHERE v_group.group_id IN (n.parent_id, n.child_id);
    DELETE FROM group_attribute a WHERE a.group_id = v_group.group_id;
    DELETE FROM group_claim k WHERE k.group_id = v_group.group_id;
    PERFORM scim_forget(NULL, v_group.group_id);
    DELETE FROM app_group g WHERE g.group_id = v_group.group_id;
    PERFORM refresh_groups(v_children || v_group.group_id);
END $$;
COMMENT ON FUNCTION roster.delete_group IS 'Deletes a group for good, with its memberships, nestings and attributes; history keeps what was. A source that still has the group brings a new one at its next full comparison. Errors: 42704 unknown group or iam.';

-- Memberships and nestings --------------------------------------------------------------------------------------------

CREATE FUNCTION roster.add_member(group_name text, username text, iam text DEFAULT 'builtin',
                                  valid_from timestamptz DEFAULT NULL, valid_until timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam   iam := find_iam(add_member.iam);
    v_group app_group;
    v_user  app_user;
    v_run   bigint;
BEGIN
    PERFORM check_window(valid_from, valid_until);
    PERFORM lock_iam(v_iam.iam_id, false);
    v_group := find_group('group_name', v_iam, add_member.group_name);
    v_user := find_user(v_iam, add_member.username);
    -- Two sessions stating different windows: the later one must see the other's.
    PERFORM FROM app_user u WHERE u.user_id = v_user.user_id FOR NO KEY UPDATE;
    v_run := single_run(v_iam.iam_id);
    DELETE FROM membership m
    WHERE m.user_id = v_user.user_id AND m.group_id = v_group.group_id AND m.source_id = 1
      AND (m.valid_from, m.valid_until) IS DISTINCT FROM (add_member.valid_from, add_member.valid_until);
    INSERT INTO membership (user_id, group_id, source_id, opened_no, opened_run, valid_from, valid_until)
    VALUES (v_user.user_id, v_group.group_id, 1, take_numbers(v_run, 1) + 1, v_run, add_member.valid_from, add_member.valid_until)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION roster.add_member IS 'Puts a user into a group, within a window if one is given. False when the same was stated already. Errors: 42704 unknown group, user or iam, 22023 empty window.';

CREATE FUNCTION roster.remove_member(group_name text, username text, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam   iam := find_iam(remove_member.iam);
    v_group app_group;
    v_user  app_user;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, false);
    v_group := find_group('group_name', v_iam, remove_member.group_name);
    v_user := find_user(v_iam, remove_member.username);
    PERFORM single_run(v_iam.iam_id);
    DELETE FROM membership m WHERE m.user_id = v_user.user_id AND m.group_id = v_group.group_id AND m.source_id = 1;
    IF NOT FOUND THEN
        PERFORM refuse_foreign(format('membership of "%s" in "%s"', v_user.username, v_group.group_name),
            (SELECT min(m.source_id) FROM membership m WHERE m.user_id = v_user.user_id AND m.group_id = v_group.group_id AND m.source_id <> 1));
        RETURN false;
    END IF;
    RETURN true;
END $$;
COMMENT ON FUNCTION roster.remove_member IS 'Takes a user out of a group. False when the user is not in it. Errors: 42704 unknown group, user or iam, 42501 the membership is another source''s.';

CREATE FUNCTION roster_private.refuse_foreign(p_what text, p_source_id integer) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source text;
BEGIN
    SELECT s.source INTO v_source FROM source s WHERE s.source_id = p_source_id;
    IF FOUND THEN
        RAISE EXCEPTION 'the % is stated by source "%", not by SQL calls', p_what, v_source
            USING ERRCODE = 'insufficient_privilege', HINT = 'Change it in that source; a source only ever touches its own facts.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.refuse_foreign IS 'Raises when somebody else''s fact was meant to be removed; NULL passes.';

CREATE FUNCTION roster.add_subgroup(group_name text, child_group text, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(add_subgroup.iam);
    v_parent app_group;
    v_child  app_group;
    v_run    bigint;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, true);
    v_parent := find_group('group_name', v_iam, add_subgroup.group_name);
    v_child := find_group('child_group', v_iam, add_subgroup.child_group);
    IF v_parent.group_id = v_child.group_id THEN
        RAISE EXCEPTION 'group "%" cannot be put into itself', v_parent.group_name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Argument "child_group": name another group.';
    END IF;
    v_run := single_run(v_iam.iam_id);
    INSERT INTO nesting (parent_id, child_id, source_id, opened_no, opened_run)
    VALUES (v_parent.group_id, v_child.group_id, 1, take_numbers(v_run, 1) + 1, v_run) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM refresh_groups(ARRAY[v_child.group_id]);
    RETURN true;
END $$;
COMMENT ON FUNCTION roster.add_subgroup IS 'Puts group child_group into group group_name: its members inherit what group_name has. Cycles are harmless. False when it is in there already. Errors: 42704 unknown group or iam, 22023 a group into itself.';

CREATE FUNCTION roster.remove_subgroup(group_name text, child_group text, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(remove_subgroup.iam);
    v_parent app_group;
    v_child  app_group;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, true);
    v_parent := find_group('group_name', v_iam, remove_subgroup.group_name);
    v_child := find_group('child_group', v_iam, remove_subgroup.child_group);
    PERFORM single_run(v_iam.iam_id);
    DELETE FROM nesting n WHERE n.parent_id = v_parent.group_id AND n.child_id = v_child.group_id AND n.source_id = 1;
    IF NOT FOUND THEN
        PERFORM refuse_foreign(format('nesting of "%s" in "%s"', v_child.group_name, v_parent.group_name),
            (SELECT min(n.source_id) FROM nesting n WHERE n.parent_id = v_parent.group_id AND n.child_id = v_child.group_id AND n.source_id <> 1));
        RETURN false;
    END IF;
    PERFORM refresh_groups(ARRAY[v_child.group_id]);
    RETURN true;
END $$;
COMMENT ON FUNCTION roster.remove_subgroup IS 'Takes group child_group out of group group_name. False when it is not in it. Errors: 42704 unknown group or iam, 42501 the nesting is another source''s.';
