-- Push sources: groups and who is in them.

CREATE FUNCTION roster_private.push_find_group(c roster_private.push_context, p_name text) RETURNS roster_private.app_group
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name  text := clean_name('subject', p_name);
    v_group app_group;
BEGIN
    SELECT g.* INTO v_group FROM app_group g WHERE g.iam_id = c.iam_id AND g.group_name_key = v_name AND g.active;
    RETURN v_group;
END $$;
COMMENT ON FUNCTION roster_private.push_find_group IS 'The group of that name; NULL when there is none.';

-- Members ------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.push_members(c roster_private.push_context, p_subject text, p_mode text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_names   text[] := push_read_names('members', p_data -> 'members');
    v_name    text := clean_name('subject', p_subject);
    v_group   app_group := push_find_group(c, p_subject);
    v_keys    text[] := ARRAY(SELECT push_key(c, n) FROM unnest(v_names) WITH ORDINALITY m(n, no) ORDER BY m.no);
    v_ids     bigint[] := ARRAY(SELECT push_user_id(c, n) FROM unnest(v_names) WITH ORDINALITY m(n, no) ORDER BY m.no);
    v_counts  boolean[];
    v_late    text[];
    v_waiting text[] := '{}';
    v_run     bigint;
    v_first   integer;
    v_fresh   bigint[];
BEGIN
    PERFORM push_refuse_keys(p_data, 'members');
    IF p_mode = 'add' AND v_group.group_id IS NULL AND NOT push_is_late(c, push_facet('group', v_name, 'm*')) THEN
        RETURN push_waits('group', p_subject);
    END IF;
    -- In one order, so that two events wait for each other on one side only.
    PERFORM FROM app_user u WHERE u.user_id = ANY (v_ids) ORDER BY u.user_id FOR NO KEY UPDATE;
    v_counts := ARRAY(SELECT NOT push_is_late(c, push_facet('user', k, 'm:' || v_name), push_facet('user', k, 'm*'), push_facet('group', v_name, 'm*'))
                      FROM unnest(v_keys) WITH ORDINALITY m(k, no) ORDER BY m.no);
    v_late := ARRAY(SELECT n FROM unnest(v_names, v_counts) m(n, counts) WHERE NOT counts ORDER BY n COLLATE "C");
    IF p_mode = 'add' THEN
        v_waiting := ARRAY(SELECT n FROM unnest(v_names, v_ids, v_counts) m(n, id, counts) WHERE counts AND id IS NULL ORDER BY n COLLATE "C");
    END IF;
    -- Who is not there has no membership to lose, and an older event that waits for them must not win later.
    PERFORM push_note(c, VARIADIC ARRAY(SELECT push_facet('user', k, 'm:' || v_name) FROM unnest(v_names, v_keys, v_counts) m(n, k, counts)
                                        WHERE counts AND n <> ALL (v_waiting)));
    v_ids := ARRAY(SELECT id FROM unnest(v_ids, v_counts) m(id, counts) WHERE counts AND id IS NOT NULL);
    IF p_mode = 'remove' THEN
        IF EXISTS (SELECT FROM membership m WHERE m.group_id = v_group.group_id AND m.user_id = ANY (v_ids) AND m.source_id = c.source_id) THEN
            v_run := push_run(c);
            DELETE FROM membership m WHERE m.group_id = v_group.group_id AND m.user_id = ANY (v_ids) AND m.source_id = c.source_id;
        END IF;
    ELSE
        v_fresh := ARRAY(SELECT DISTINCT id FROM unnest(v_ids) id
                         WHERE NOT EXISTS (SELECT FROM membership m WHERE m.user_id = id AND m.group_id = v_group.group_id AND m.source_id = c.source_id));
        IF cardinality(v_fresh) > 0 THEN
            v_run := push_run(c);
            v_first := take_numbers(v_run, cardinality(v_fresh));
            INSERT INTO membership (user_id, group_id, source_id, opened_no, opened_run)
            SELECT id, v_group.group_id, c.source_id, v_first + row_number() OVER (), v_run FROM unnest(v_fresh) id;
        END IF;
    END IF;
    IF cardinality(v_waiting) > 0 THEN
        RETURN ROW('waiting', NULL, nullif(v_late, '{}'), NULL, v_waiting, 'user', NULL)::push_outcome;
    END IF;
    RETURN push_done(cardinality(v_late) < cardinality(v_names), v_late);
END $$;
COMMENT ON FUNCTION roster_private.push_members IS 'roster.group.members.add and remove.';

CREATE FUNCTION roster_private.push_replace_groups(c roster_private.push_context, p_user_id bigint, p_key text, p_groups text[]) RETURNS text[]
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_all   uuid := push_facet('user', p_key, 'm*');
    v_gone  bigint[];
    v_enter text[];
    v_ids   bigint[];
    v_run   bigint;
    v_first integer;
BEGIN
    IF push_is_late(c, v_all) THEN
        RETURN '{}';
    END IF;
    PERFORM push_note(c, v_all);
    v_gone := ARRAY(SELECT m.group_id FROM membership m JOIN app_group g USING (group_id)
                    WHERE m.user_id = p_user_id AND m.source_id = c.source_id AND g.group_name <> ALL (p_groups)
                      AND NOT push_is_late(c, push_facet('user', p_key, 'm:' || g.group_name)));
    IF cardinality(v_gone) > 0 THEN
        v_run := push_run(c);
        DELETE FROM membership m WHERE m.user_id = p_user_id AND m.source_id = c.source_id AND m.group_id = ANY (v_gone);
    END IF;
    v_enter := ARRAY(SELECT g FROM unnest(p_groups) g WHERE NOT push_is_late(c, push_facet('user', p_key, 'm:' || g), push_facet('group', g, 'm*')));
    v_ids := ARRAY(SELECT g.group_id FROM app_group g
                   WHERE g.iam_id = c.iam_id AND g.group_name_key = ANY (v_enter) AND g.active
                     AND NOT EXISTS (SELECT FROM membership m WHERE m.user_id = p_user_id AND m.group_id = g.group_id AND m.source_id = c.source_id));
    IF cardinality(v_ids) > 0 THEN
        v_run := push_run(c);
        v_first := take_numbers(v_run, cardinality(v_ids));
        INSERT INTO membership (user_id, group_id, source_id, opened_no, opened_run)
        SELECT p_user_id, id, c.source_id, v_first + row_number() OVER (), v_run FROM unnest(v_ids) id;
    END IF;
    RETURN ARRAY(SELECT n FROM unnest(v_enter) n
                 WHERE NOT EXISTS (SELECT FROM app_group g WHERE g.iam_id = c.iam_id AND g.group_name_key = n AND g.active) ORDER BY n COLLATE "C");
END $$;
COMMENT ON FUNCTION roster_private.push_replace_groups IS 'Makes the given groups all that the source states the user to be in; returns those that are not there yet.';

-- Groups -------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.push_group_attributes(c roster_private.push_context, p_subject text, p_mode text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v       push_values := push_read_values(c, p_data -> 'attributes');
    v_name  text := clean_name('subject', p_subject);
    v_group app_group := push_find_group(c, p_subject);
    v_late  text[];
BEGIN
    PERFORM push_refuse_keys(p_data, 'attributes');
    IF v_group.group_id IS NULL THEN
        IF push_is_late(c, push_facet('group', v_name, 'a*')) THEN
            RETURN push_done(false, v.names);
        END IF;
        RETURN push_waits('group', p_subject);
    END IF;
    v_late := push_state_group_values(c, v_group.group_id, v_name, p_mode, v);
    RETURN push_done(NOT v.names <@ v_late, v_late);
END $$;
COMMENT ON FUNCTION roster_private.push_group_attributes IS 'roster.group.attributes.set, add, remove.';

CREATE FUNCTION roster_private.push_group_upsert(c roster_private.push_context, p_subject text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_fields  jsonb := push_profile_fields(p_data, 'group_name', 'external_id', 'active', 'members');
    v         push_values := push_read_values(c, coalesce(p_data -> 'attributes', '{}'));
    v_name    text := clean_name('subject', p_subject);
    v_exists  uuid := push_facet('group', v_name, '');
    v_is_late boolean := push_is_late(c, v_exists);
    v_group   app_group := push_find_group(c, p_subject);
    v_late    text[] := '{}';
    v_ignored text[] := '{}';
    v_profile push_profile;
    v_found   text[] := '{}';
    v_run     bigint;
BEGIN
    IF v_is_late THEN
        v_late := ARRAY['group'];
        IF v_group.group_id IS NULL THEN
            RETURN push_done(false, v_late);
        END IF;
    ELSE
        PERFORM push_note(c, v_exists);
        v_group := push_claim_group(c, v_name, v_group, v_fields);
    END IF;
    IF v_fields <> '{}' THEN
        IF v_group.source_id = c.source_id AND EXISTS (SELECT FROM group_claim k WHERE k.group_id = v_group.group_id AND k.source_id = c.source_id) THEN
            v_profile := push_state_profile(c, 'group', v_name, v_fields, ROW(v_group.display_name, NULL, v_group.profile, NULL));
            v_late := v_late || v_profile.late;
            IF (v_profile.display_name, v_profile.profile) IS DISTINCT FROM (v_group.display_name, v_group.profile) THEN
                v_run := push_run(c);
                UPDATE app_group g
                SET display_name = v_profile.display_name, profile = v_profile.profile, version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
                WHERE g.group_id = v_group.group_id;
            END IF;
        ELSE
            v_ignored := ARRAY(SELECT k FROM jsonb_object_keys(v_fields) k ORDER BY k COLLATE "C");
        END IF;
    END IF;
    IF cardinality(v.names) > 0 THEN
        v_found := push_state_group_values(c, v_group.group_id, v_name, 'set', v);
        v_late := v_late || v_found;
    END IF;
    RETURN push_done(NOT v_is_late OR NOT v.names <@ v_found OR coalesce(cardinality(v_profile.late) < (SELECT count(*) FROM jsonb_object_keys(v_fields)), false),
                     v_late, v_ignored);
END $$;
COMMENT ON FUNCTION roster_private.push_group_upsert IS 'roster.group.upsert.';

CREATE FUNCTION roster_private.push_claim_group(c roster_private.push_context, p_name text, p_group roster_private.app_group, p_fields jsonb) RETURNS roster_private.app_group
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_group   app_group := p_group;
    v_profile push_profile;
    v_run     bigint;
BEGIN
    IF v_group.group_id IS NULL THEN
        v_run := push_run(c);
        -- The source's own group that it deleted comes back; whatever else had the name gives it up.
        SELECT g.* INTO v_group FROM app_group g WHERE g.iam_id = c.iam_id AND g.group_name_key = p_name AND g.source_id = c.source_id;
        IF FOUND THEN
            UPDATE app_group g SET active = true, version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
            WHERE g.group_id = v_group.group_id RETURNING g.* INTO v_group;
        ELSE
            UPDATE app_group g SET group_name_key = NULL WHERE g.iam_id = c.iam_id AND g.group_name_key = p_name;
            v_profile := push_state_profile(c, 'group', p_name, p_fields, ROW(NULL, NULL, '{}', NULL));
            INSERT INTO app_group (group_id, iam_id, source_id, group_name, group_name_key, display_name, profile, active, created_run, opened_run, opened_no)
            VALUES (nextval('roster_private.group_id_seq'), c.iam_id, c.source_id, p_name, p_name, v_profile.display_name, v_profile.profile, true, v_run, v_run, take_numbers(v_run, 1) + 1)
            RETURNING * INTO v_group;
        END IF;
        PERFORM refresh_groups(ARRAY[v_group.group_id]);
    END IF;
    INSERT INTO group_claim (source_id, key, group_id) VALUES (c.source_id, md5('group ' || v_group.group_id)::uuid, v_group.group_id) ON CONFLICT DO NOTHING;
    RETURN v_group;
END $$;
COMMENT ON FUNCTION roster_private.push_claim_group IS 'Says that the source has the group, and makes it when nobody has.';

-- A deletion ends what is older than it. What is newer stays, or a deletion that arrives late would end too much.
CREATE FUNCTION roster_private.push_group_delete(c roster_private.push_context, p_subject text) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name    text := clean_name('subject', p_subject);
    v_exists  uuid := push_facet('group', v_name, '');
    v_is_late boolean := push_is_late(c, v_exists);
    v_group   app_group;
    v_members bigint[];
    v_run     bigint;
BEGIN
    SELECT g.* INTO v_group FROM app_group g WHERE g.iam_id = c.iam_id AND g.group_name_key = v_name;
    IF FOUND THEN
        PERFORM push_state_group_values(c, v_group.group_id, v_name, 'replace', ROW('{}', '{}', '{}', '{}'));
        IF NOT push_is_late(c, push_facet('group', v_name, 'm*')) THEN
            v_members := ARRAY(SELECT m.user_id FROM membership m WHERE m.group_id = v_group.group_id AND m.source_id = c.source_id
                               AND NOT push_is_late(c, push_facet('user', push_key_of(c, m.user_id), 'm:' || v_name),
                                                       push_facet('user', push_key_of(c, m.user_id), 'm*')));
            IF cardinality(v_members) > 0 THEN
                v_run := push_run(c);
                DELETE FROM membership m WHERE m.group_id = v_group.group_id AND m.source_id = c.source_id AND m.user_id = ANY (v_members);
            END IF;
        END IF;
        PERFORM push_clear_profile(c, v_group, v_name);
        IF NOT v_is_late THEN
            PERFORM push_release_group(c, v_group);
        END IF;
    END IF;
    PERFORM push_note(c, push_facet('group', v_name, 'm*'), push_facet('group', v_name, 'a*'), push_facet('group', v_name, 'p*'), v_exists);
    RETURN push_done(NOT v_is_late, CASE WHEN v_is_late THEN ARRAY['group'] END);
END $$;
COMMENT ON FUNCTION roster_private.push_group_delete IS 'roster.group.delete.';

CREATE FUNCTION roster_private.push_clear_profile(c roster_private.push_context, p_group roster_private.app_group, p_name text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_display_name text := p_group.display_name;
    v_profile      jsonb := p_group.profile;
    v_run          bigint;
BEGIN
    IF p_group.source_id <> c.source_id OR push_is_late(c, push_facet('group', p_name, 'p*')) THEN
        RETURN;
    END IF;
    IF NOT push_is_late(c, push_facet('group', p_name, 'p:display_name')) THEN
        v_display_name := NULL;
    END IF;
    v_profile := v_profile - ARRAY(SELECT k FROM jsonb_object_keys(v_profile) k WHERE NOT push_is_late(c, push_facet('group', p_name, 'p:' || k)));
    IF (v_display_name, v_profile) IS DISTINCT FROM (p_group.display_name, p_group.profile) THEN
        v_run := push_run(c);
        UPDATE app_group g
        SET display_name = v_display_name, profile = v_profile, version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE g.group_id = p_group.group_id;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.push_clear_profile IS 'Takes away the profile of a group that is deleted, but for what is newer.';

CREATE FUNCTION roster_private.push_key_of(c roster_private.push_context, p_user_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN (SELECT CASE c.match_by WHEN 'username' THEN coalesce(u.username_key, name_key(u.username, c.case_sensitive))
                                   WHEN 'email' THEN lower(u.email) ELSE u.external_id END
            FROM app_user u WHERE u.user_id = p_user_id);
END $$;
COMMENT ON FUNCTION roster_private.push_key_of IS 'What the source calls a user.';

CREATE FUNCTION roster_private.push_release_group(c roster_private.push_context, p_group roster_private.app_group) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_heir integer;
    v_run  bigint;
BEGIN
    DELETE FROM group_claim k WHERE k.group_id = p_group.group_id AND k.source_id = c.source_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT min(k.source_id) INTO v_heir FROM group_claim k WHERE k.group_id = p_group.group_id;
    IF v_heir IS NULL OR p_group.source_id = c.source_id THEN
        v_run := push_run(c);
        UPDATE app_group g
        SET active = v_heir IS NOT NULL, source_id = coalesce(v_heir, g.source_id), version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE g.group_id = p_group.group_id;
    END IF;
    -- Whoever states the group from now on must state it anew.
    UPDATE group_claim k SET fingerprint = NULL WHERE k.group_id = p_group.group_id;
    IF v_heir IS NULL THEN
        PERFORM refresh_groups(ARRAY[p_group.group_id]);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.push_release_group IS 'Says that the source does not have the group any more: it is gone when nobody else has it.';
