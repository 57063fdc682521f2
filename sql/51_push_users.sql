-- Push sources: users. A source has the profile and the state of the users that it created; of all others it states attributes
-- and memberships.

CREATE FUNCTION roster_private.push_key(c roster_private.push_context, p_subject text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name text := clean_name('subject', p_subject);
BEGIN
    RETURN CASE c.match_by WHEN 'username' THEN name_key(v_name, c.case_sensitive) WHEN 'email' THEN lower(v_name) ELSE v_name END;
END $$;
COMMENT ON FUNCTION roster_private.push_key IS 'What a source calls a user, folded as it compares.';

CREATE FUNCTION roster_private.push_user_id(c roster_private.push_context, p_subject text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_key   text := push_key(c, p_subject);
    v_found bigint[];
BEGIN
    IF c.match_by = 'username' THEN
        RETURN (SELECT u.user_id FROM app_user u WHERE u.iam_id = c.iam_id AND u.username_key = v_key);
    ELSIF c.match_by = 'external_id' THEN
        RETURN (SELECT u.user_id FROM app_user u WHERE u.iam_id = c.iam_id AND u.external_id = v_key);
    END IF;
    v_found := ARRAY(SELECT u.user_id FROM app_user u WHERE u.iam_id = c.iam_id AND lower(u.email) = v_key LIMIT 2);
    IF cardinality(v_found) > 1 THEN
        RAISE EXCEPTION 'several users of identity manager "%" have the e-mail address "%": none of them is meant', c.iam, v_key
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN v_found[1];
END $$;
COMMENT ON FUNCTION roster_private.push_user_id IS 'Whom a source means, by its match_by; NULL = nobody. An error when several.';

CREATE FUNCTION roster_private.push_find_user(c roster_private.push_context, p_subject text) RETURNS roster_private.app_user
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_user app_user;
BEGIN
    SELECT u.* INTO v_user FROM app_user u WHERE u.user_id = push_user_id(c, p_subject) FOR NO KEY UPDATE;
    RETURN v_user;
END $$;
COMMENT ON FUNCTION roster_private.push_find_user IS 'The user whom a source means, locked.';

CREATE FUNCTION roster_private.push_waits(p_awaits text, VARIADIC p_awaited text[]) RETURNS roster_private.push_outcome
    LANGUAGE sql IMMUTABLE
    RETURN ROW('waiting', NULL, NULL, NULL, p_awaited, p_awaits, NULL)::roster_private.push_outcome;
COMMENT ON FUNCTION roster_private.push_waits IS 'The outcome of an event whose subject is not there.';

-- Everything came too late, or some of it.
CREATE FUNCTION roster_private.push_done(p_counted boolean, p_late text[], p_ignored text[] DEFAULT NULL) RETURNS roster_private.push_outcome
    LANGUAGE sql IMMUTABLE
    RETURN ROW(CASE WHEN cardinality(p_late) > 0 AND NOT p_counted THEN 'late' ELSE 'applied' END, NULL, nullif(p_late, '{}'), nullif(p_ignored, '{}'),
               NULL, NULL, NULL)::roster_private.push_outcome;
COMMENT ON FUNCTION roster_private.push_done IS 'The outcome of an event that was looked at: applied, or late when nothing of it counted.';

CREATE FUNCTION roster_private.push_user_attributes(c roster_private.push_context, p_subject text, p_mode text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v      push_values := push_read_values(c, p_data -> 'attributes');
    v_user app_user := push_find_user(c, p_subject);
    v_late text[];
BEGIN
    PERFORM push_refuse_keys(p_data, 'attributes');
    IF v_user.user_id IS NULL THEN
        RETURN push_waits('user', p_subject);
    END IF;
    v_late := push_state_user_values(c, v_user.user_id, push_key(c, p_subject), p_mode, v);
    RETURN push_done(NOT v.names <@ v_late, v_late);
END $$;
COMMENT ON FUNCTION roster_private.push_user_attributes IS 'roster.user.attributes.set, add, remove.';

CREATE FUNCTION roster_private.push_refuse_keys(p_data jsonb, VARIADIC p_known text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_key text := (SELECT min(k COLLATE "C") FROM jsonb_object_keys(p_data) k WHERE k <> ALL (p_known));
BEGIN
    IF v_key IS NOT NULL THEN
        RAISE EXCEPTION 'data has unknown key "%": it may have %', v_key, array_to_string(p_known, ', ') USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.push_refuse_keys IS 'Refuses what an event of this type cannot mean.';

-- Profiles ---------------------------------------------------------------------------------------------------------------

CREATE TYPE roster_private.push_profile AS (display_name text, email text, profile jsonb, late text[]);
COMMENT ON TYPE roster_private.push_profile IS 'A profile after an event, and the fields that the event came too late for.';

CREATE FUNCTION roster_private.push_state_profile(c roster_private.push_context, p_kind text, p_key text, p_fields jsonb, p_profile roster_private.push_profile)
    RETURNS roster_private.push_profile
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v       push_profile := p_profile;
    v_given record;
    v_facet uuid;
BEGIN
    v.late := '{}';
    FOR v_given IN SELECT normalize(e.key, NFC) AS key, CASE jsonb_typeof(e.value) WHEN 'string' THEN to_jsonb(normalize(e.value #>> '{}', NFC)) ELSE e.value END AS value
                   FROM jsonb_each(p_fields) e ORDER BY e.key COLLATE "C" LOOP
        v_facet := push_facet(p_kind, p_key, 'p:' || v_given.key);
        IF push_is_late(c, v_facet, push_facet(p_kind, p_key, 'p*')) THEN
            v.late := v.late || v_given.key;
            CONTINUE;
        END IF;
        PERFORM push_note(c, v_facet);
        CASE
            WHEN v_given.key = 'display_name' THEN v.display_name := v_given.value #>> '{}';
            WHEN v_given.key = 'email' AND p_kind = 'user' THEN v.email := v_given.value #>> '{}';
            WHEN v_given.value = 'null' THEN v.profile := v.profile - v_given.key;
            ELSE v.profile := v.profile || jsonb_build_object(v_given.key, v_given.value);
        END CASE;
    END LOOP;
    IF pg_column_size(v.profile) > 1048576 THEN
        RAISE EXCEPTION 'the profile would have more than 1 MiB' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION roster_private.push_state_profile IS 'Sets the fields given, and takes away those that are null.';

CREATE FUNCTION roster_private.push_profile_fields(p_data jsonb, VARIADIC p_refused text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_fields jsonb := p_data - 'attributes';
    v_key    text;
BEGIN
    FOR v_key IN SELECT k FROM jsonb_object_keys(v_fields) k LOOP
        IF v_key = ANY (p_refused) THEN
            RAISE EXCEPTION 'data cannot have the key "%": the subject is the name, other types of event disable users and change members', v_key
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        PERFORM clean_name('data', v_key);
        IF v_key IN ('display_name', 'email') AND jsonb_typeof(v_fields -> v_key) NOT IN ('string', 'null') THEN
            RAISE EXCEPTION '"%" must be a text or null', v_key USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    RETURN v_fields;
END $$;
COMMENT ON FUNCTION roster_private.push_profile_fields IS 'The profile fields of an event; an error for keys that would be taken for something else.';

-- Users ------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.push_user_upsert(c roster_private.push_context, p_subject text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_fields  jsonb := push_profile_fields(p_data, 'username', 'external_id', 'active', 'groups', 'members');
    v         push_values := push_read_values(c, coalesce(p_data -> 'attributes', '{}'));
    v_key     text := push_key(c, p_subject);
    v_exists  uuid := push_facet('user', v_key, '');
    v_is_late boolean := push_is_late(c, v_exists);
    v_user    app_user := push_find_user(c, p_subject);
    v_late    text[] := '{}';
    v_ignored text[] := '{}';
    v_profile push_profile;
    v_found   text[] := '{}';
BEGIN
    IF v_is_late THEN
        v_late := ARRAY['user'];
    END IF;
    IF v_user.user_id IS NULL OR push_is_orphan(c, v_user) THEN
        IF v_is_late THEN
            RETURN push_done(false, v_late);
        ELSIF c.create_users THEN
            v_profile := push_state_profile(c, 'user', v_key, v_fields, ROW(NULL, CASE c.match_by WHEN 'email' THEN clean_name('subject', p_subject) END, '{}', NULL));
            v_user := push_new_user(c, p_subject, v_user, v_profile);
        ELSIF v_user.user_id IS NULL THEN
            RETURN push_waits('user', p_subject);
        END IF;
    END IF;
    IF NOT v_is_late THEN
        PERFORM push_note(c, v_exists);
        v_user := push_activate(c, v_user, true);
    END IF;
    IF v_fields <> '{}' THEN
        IF push_owns(c, v_user) THEN
            v_profile := push_state_profile(c, 'user', v_key, v_fields, ROW(v_user.display_name, v_user.email, v_user.profile, NULL));
            v_late := v_late || v_profile.late;
            PERFORM push_put_profile(c, v_user, v_profile);
        ELSE
            v_ignored := ARRAY(SELECT k FROM jsonb_object_keys(v_fields) k ORDER BY k COLLATE "C");
        END IF;
    END IF;
    IF cardinality(v.names) > 0 THEN
        v_found := push_state_user_values(c, v_user.user_id, v_key, 'set', v);
        v_late := v_late || v_found;
    END IF;
    RETURN push_done(NOT v_is_late OR NOT v.names <@ v_found OR coalesce(cardinality(v_profile.late) < (SELECT count(*) FROM jsonb_object_keys(v_fields)), false),
                     v_late, v_ignored);
END $$;
COMMENT ON FUNCTION roster_private.push_user_upsert IS 'roster.user.upsert.';

CREATE FUNCTION roster_private.push_owns(c roster_private.push_context, p_user roster_private.app_user) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN p_user.source_id = c.source_id AND EXISTS (SELECT FROM user_claim k WHERE k.user_id = p_user.user_id AND k.source_id = c.source_id);
END $$;
COMMENT ON FUNCTION roster_private.push_owns IS 'Whether the source states the profile of the user: it created the user, and no other has taken over.';

CREATE FUNCTION roster_private.push_is_orphan(c roster_private.push_context, p_user roster_private.app_user) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN c.create_users AND NOT p_user.active AND NOT EXISTS (SELECT FROM user_claim k WHERE k.user_id = p_user.user_id);
END $$;
COMMENT ON FUNCTION roster_private.push_is_orphan IS 'Whether the user has left: no source has them any more.';

-- Who left under the name was somebody else, unless the immutable id or this very source says that they are the same.
CREATE FUNCTION roster_private.push_new_user(c roster_private.push_context, p_subject text, p_left roster_private.app_user,
                                             p_profile roster_private.push_profile) RETURNS roster_private.app_user
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_user   app_user := p_left;
    v_name   text := clean_name('subject', p_subject);
    v_key    text := name_key(v_name, c.case_sensitive);
    v_holder app_user;
    v_run    bigint := push_run(c);
BEGIN
    IF p_left.user_id IS NULL OR p_left.source_id <> c.source_id AND c.match_by <> 'external_id' THEN
        SELECT u.* INTO v_holder FROM app_user u WHERE u.iam_id = c.iam_id AND u.username_key = v_key FOR NO KEY UPDATE;
        IF FOUND AND NOT push_is_orphan(c, v_holder) THEN
            -- Or the same event of another client made the user a moment ago: push_try looks again.
            RAISE EXCEPTION 'username "%" is that of another user of identity manager "%"', v_name, c.iam USING ERRCODE = 'unique_violation';
        END IF;
        UPDATE app_user u SET username_key = NULL WHERE u.user_id = v_holder.user_id;
        INSERT INTO app_user (user_id, iam_id, source_id, username, username_key, external_id, display_name, email, profile, active,
                              created_run, opened_run, opened_no)
        VALUES (nextval('roster_private.user_id_seq'), c.iam_id, c.source_id, v_name, v_key, CASE c.match_by WHEN 'external_id' THEN v_name END,
                p_profile.display_name, p_profile.email, p_profile.profile, true, v_run, v_run, take_numbers(v_run, 1) + 1)
        RETURNING * INTO v_user;
        PERFORM give_default_permissions(v_run, c.iam_id, ARRAY[v_user.user_id]);
    ELSE
        UPDATE app_user u SET source_id = c.source_id, version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE u.user_id = p_left.user_id RETURNING u.* INTO v_user;
    END IF;
    INSERT INTO user_claim (source_id, key, user_id, active) VALUES (c.source_id, md5('user ' || v_user.user_id)::uuid, v_user.user_id, true);
    RETURN v_user;
END $$;
COMMENT ON FUNCTION roster_private.push_new_user IS 'Makes a user, or brings back the one who left.';

CREATE FUNCTION roster_private.push_activate(c roster_private.push_context, p_user roster_private.app_user, p_active boolean) RETURNS roster_private.app_user
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_user   app_user := p_user;
    v_active boolean;
    v_run    bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM user_claim k WHERE k.user_id = p_user.user_id AND k.source_id = c.source_id) THEN
        RETURN p_user;
    END IF;
    UPDATE user_claim k SET active = p_active WHERE k.user_id = p_user.user_id AND k.source_id = c.source_id AND k.active <> p_active;
    v_active := NOT p_user.admin_disabled AND EXISTS (SELECT FROM user_claim k WHERE k.user_id = p_user.user_id AND k.active);
    IF v_active <> p_user.active THEN
        v_run := push_run(c);
        UPDATE app_user u SET active = v_active, version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE u.user_id = p_user.user_id RETURNING u.* INTO v_user;
    END IF;
    RETURN v_user;
END $$;
COMMENT ON FUNCTION roster_private.push_activate IS 'Says that the source has the user, active or not, if it has the user at all; returns the user as it is then.';

CREATE FUNCTION roster_private.push_put_profile(c roster_private.push_context, p_user roster_private.app_user, v roster_private.push_profile) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run bigint;
BEGIN
    IF (v.display_name, v.email, v.profile) IS DISTINCT FROM (p_user.display_name, p_user.email, p_user.profile) THEN
        v_run := push_run(c);
        UPDATE app_user u
        SET display_name = v.display_name, email = v.email, profile = v.profile, version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE u.user_id = p_user.user_id;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.push_put_profile IS 'Writes the profile of a user if it differs.';

CREATE FUNCTION roster_private.push_user_disable(c roster_private.push_context, p_subject text) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_exists uuid := push_facet('user', push_key(c, p_subject), '');
    v_user   app_user := push_find_user(c, p_subject);
BEGIN
    IF v_user.user_id IS NULL THEN
        RETURN push_waits('user', p_subject);
    ELSIF NOT EXISTS (SELECT FROM user_claim k WHERE k.user_id = v_user.user_id AND k.source_id = c.source_id) THEN
        RAISE EXCEPTION 'user "%" was not created by this source: disable them where they come from, or call roster.disable_user()', v_user.username
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF push_is_late(c, v_exists) THEN
        RETURN push_done(false, ARRAY['user']);
    END IF;
    PERFORM push_note(c, v_exists);
    PERFORM push_activate(c, v_user, false);
    RETURN push_done(true, NULL);
END $$;
COMMENT ON FUNCTION roster_private.push_user_disable IS 'roster.user.disable.';

-- A call that states a whole user: each part replaces what the source stated.
CREATE FUNCTION roster_private.push_user_replace(c roster_private.push_context, p_subject text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v         push_values := push_read_values(c, coalesce(p_data -> 'attributes', '{}'));
    v_groups  text[] := CASE WHEN p_data ? 'groups' THEN push_read_names('groups', p_data -> 'groups') END;
    v_key     text := push_key(c, p_subject);
    v_user    app_user := push_find_user(c, p_subject);
    v_late    text[] := '{}';
    v_outcome push_outcome;
BEGIN
    PERFORM push_refuse_keys(p_data, 'attributes', 'groups');
    IF v_user.user_id IS NULL OR push_is_orphan(c, v_user) THEN
        IF c.create_users AND NOT push_is_late(c, push_facet('user', v_key, '')) THEN
            v_user := push_new_user(c, p_subject, v_user, ROW(NULL, CASE c.match_by WHEN 'email' THEN clean_name('subject', p_subject) END, '{}', NULL));
            PERFORM push_note(c, push_facet('user', v_key, ''));
        ELSIF v_user.user_id IS NULL THEN
            RETURN push_waits('user', p_subject);
        END IF;
    END IF;
    IF p_data ? 'attributes' THEN
        v_late := push_state_user_values(c, v_user.user_id, v_key, 'replace', v);
    END IF;
    v_outcome := push_done(true, v_late);
    IF v_groups IS NOT NULL THEN
        v_outcome.waiting := push_replace_groups(c, v_user.user_id, v_key, v_groups);
        IF cardinality(v_outcome.waiting) > 0 THEN
            v_outcome.outcome := 'waiting';
            v_outcome.awaits := 'groups';
        END IF;
    END IF;
    RETURN v_outcome;
END $$;
COMMENT ON FUNCTION roster_private.push_user_replace IS 'PUT of a user: all attributes, all memberships of the source, or both.';

CREATE FUNCTION roster_private.push_read_names(p_argument text, p_names jsonb) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_names IS NULL OR jsonb_typeof(p_names) <> 'array' OR EXISTS (SELECT FROM jsonb_array_elements(p_names) n WHERE jsonb_typeof(n) <> 'string') THEN
        RAISE EXCEPTION '% must be a list of names such as ["sara"]', p_argument USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_array_length(p_names) > 10000 THEN
        RAISE EXCEPTION '% has more than 10000 names: send them in several events', p_argument USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN ARRAY(SELECT DISTINCT clean_name(p_argument, n) FROM jsonb_array_elements_text(p_names) n);
END $$;
COMMENT ON FUNCTION roster_private.push_read_names IS 'Reads a list of names: Unicode NFC, each once.';
