-- SCIM: users. A document becomes a user, its attributes, permissions and platform usernames; all of them are facts of the
-- source, and what other sources state about the same user is left alone.

CREATE FUNCTION roster_private.scim_put_user(
    p_source_id integer, p_actor text, p_scim_id uuid, p_create boolean, p_expected bigint, p_full boolean,
    p_document jsonb, p_search jsonb, p_username text, p_external_id text, p_display_name text, p_email text, p_profile jsonb, p_active boolean,
    p_names text[], p_values text[], p_permissions text[], p_platforms text[], p_platform_usernames text[])
    RETURNS roster_private.scim_written
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c          scim_context := scim_begin(p_source_id, p_actor, false);
    v_resource scim_user;
    v_user     app_user;
    v_known    boolean;
    v_detail   text;
    v_same     boolean;
    v_now      timestamptz := clock_timestamp();
BEGIN
    v_user.username := clean_name('userName', p_username);
    v_user.username_key := name_key(v_user.username, c.case_sensitive);
    -- Without an externalId the id of the resource is what never changes.
    v_user.external_id := CASE WHEN p_external_id IS NULL THEN p_scim_id::text ELSE clean_name('externalId', p_external_id) END;
    v_user.display_name := p_display_name;
    v_user.email := p_email;
    v_user.profile := p_profile;
    v_user.active := p_active;
    IF p_create THEN
        PERFORM pg_advisory_xact_lock_shared(lock_class('pending'), p_source_id);
        SELECT f.user_id, f.detail INTO v_user.user_id, v_detail FROM scim_find_user(c, v_user) f;
    ELSE
        SELECT r.* INTO v_resource FROM scim_user r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id FOR UPDATE;
        IF NOT FOUND THEN
            RETURN scim_refused('missing');
        ELSIF v_resource.version <> p_expected THEN
            RETURN scim_refused('stale');
        END IF;
        v_user.user_id := v_resource.user_id;
        IF v_user.external_id IS DISTINCT FROM coalesce(v_resource.document ->> 'externalId', p_scim_id::text) THEN
            PERFORM pg_advisory_xact_lock_shared(lock_class('pending'), p_source_id);
        END IF;
    END IF;
    v_detail := coalesce(v_detail, scim_name_conflict(c, v_resource, p_scim_id, p_search));
    IF v_detail IS NOT NULL THEN
        RETURN scim_refused('taken', v_detail);
    END IF;

    v_known := v_user.user_id IS NOT NULL;
    IF NOT v_known THEN
        v_user.user_id := scim_new_user(c, p_scim_id, v_user, p_names, p_values);
    ELSE
        v_detail := scim_state_user(c, p_scim_id, v_user, p_create);
        IF v_detail IS NOT NULL THEN
            RETURN scim_refused('taken', v_detail);
        END IF;
        PERFORM scim_state_attributes(c, v_user.user_id, p_names, p_values);
    END IF;
    IF NOT p_create OR cardinality(p_permissions) > 0 THEN
        PERFORM scim_state_permissions(c, v_user.user_id, p_permissions);
    END IF;
    IF NOT p_create OR cardinality(p_platforms) > 0 THEN
        PERFORM scim_state_platforms(c, v_user.user_id, p_platforms, p_platform_usernames);
    END IF;

    IF p_create THEN
        INSERT INTO scim_user (source_id, scim_id, user_id, created_at, modified_at, confirmed_at, document, search)
        VALUES (p_source_id, p_scim_id, v_user.user_id, v_now, v_now, v_now, p_document, p_search)
        RETURNING * INTO v_resource;
        IF v_known THEN
            PERFORM scim_trace(c, 'add', 'scim_user', v_user.username, '{}', p_document);
        END IF;
    ELSE
        v_same := v_resource.document = p_document;
        IF NOT v_same THEN
            PERFORM scim_trace(c, 'change', 'scim_user', v_user.username, v_resource.document, p_document);
        END IF;
        -- The search document also changes when the source's configuration does.
        IF NOT v_same OR v_resource.search <> p_search OR p_full THEN
            UPDATE scim_user r
            SET document = p_document, search = p_search, version = r.version + (NOT v_same)::integer,
                modified_at = CASE WHEN v_same THEN r.modified_at ELSE greatest(v_now, r.modified_at) END,
                confirmed_at = CASE WHEN p_full THEN v_now ELSE r.confirmed_at END
            WHERE r.rid = v_resource.rid RETURNING * INTO v_resource;
        END IF;
    END IF;
    IF EXISTS (SELECT FROM scim_pending p WHERE p.source_id = p_source_id AND p.value IN (p_scim_id::text, v_user.external_id)) THEN
        PERFORM scim_admit_user(c, v_user.user_id, ARRAY[p_scim_id::text, v_user.external_id]);
        v_detail := 'admitted';
    END IF;
    RETURN ROW(CASE WHEN p_create THEN 'created' WHEN v_same THEN 'same' ELSE 'changed' END, v_resource.scim_id, v_resource.version,
               v_resource.created_at, v_resource.modified_at, v_detail)::scim_written;
END $$;
COMMENT ON FUNCTION roster_private.scim_put_user IS 'Writes a user resource and all that follows from it, in one transaction. p_expected: the version that the document was made from, NULL = any. p_full: a POST or PUT, which states everything anew. A POST finds a user who left by the same external id, adopts one without any, or makes a new one. Errors: 22023 unusable name, 23505 somebody else took the name at this moment.';

CREATE TYPE roster_private.scim_found AS (user_id bigint, detail text);
COMMENT ON TYPE roster_private.scim_found IS 'Whom a POST means: a user who is here already, NULL = a new one; or what is in the way.';

-- The user of that immutable id, or one of that name who has none: made by SQL call, or brought by a source that knows no ids.
CREATE FUNCTION roster_private.scim_find_user(c roster_private.scim_context, p_user roster_private.app_user) RETURNS roster_private.scim_found
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_user app_user;
BEGIN
    SELECT u.* INTO v_user FROM app_user u WHERE u.iam_id = c.iam_id AND u.external_id = p_user.external_id FOR NO KEY UPDATE;
    IF FOUND THEN
        IF EXISTS (SELECT FROM scim_user r WHERE r.user_id = v_user.user_id AND r.source_id = c.source_id) THEN
            RETURN ROW(NULL, format('externalId "%s" is that of user "%s"', v_user.external_id, v_user.username))::scim_found;
        END IF;
        RETURN ROW(v_user.user_id, NULL)::scim_found;
    END IF;
    SELECT u.* INTO v_user FROM app_user u WHERE u.iam_id = c.iam_id AND u.username_key = p_user.username_key FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF v_user.external_id IS NULL THEN
        RETURN ROW(v_user.user_id, NULL)::scim_found;
    END IF;
    v_user.user_id := NULL;
    RETURN ROW(NULL, scim_make_room(c, v_user, false))::scim_found;
END $$;
COMMENT ON FUNCTION roster_private.scim_find_user IS 'Looks for the user that a POST means.';

-- A user whose profile another source states is not called by the userName of the resource, so the names of users do not
-- tell.
CREATE FUNCTION roster_private.scim_name_conflict(c roster_private.scim_context, p_resource roster_private.scim_user, p_scim_id uuid, p_search jsonb)
    RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_resource.search -> 'username' = p_search -> 'username' THEN
        RETURN NULL;
    ELSIF EXISTS (SELECT FROM scim_user r WHERE r.source_id = c.source_id AND r.search ->> 'username' = p_search ->> 'username'
                  AND r.scim_id <> p_scim_id) THEN
        RETURN format('userName "%s" is that of another user; rename one of them', p_search ->> 'username');
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.scim_name_conflict IS 'What is in the way of a new userName among the resources of the source; NULL = nothing.';

-- A name is that of whoever is there, an immutable id that of whom a source states. Those who left give both up.
CREATE FUNCTION roster_private.scim_make_room(c roster_private.scim_context, p_user roster_private.app_user, p_external_too boolean) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_holder app_user;
    v_owner  text;
    v_run    bigint;
BEGIN
    FOR v_holder IN
        SELECT u.* FROM app_user u
        WHERE u.iam_id = c.iam_id AND (u.username_key = p_user.username_key OR p_external_too AND u.external_id = p_user.external_id)
          AND u.user_id IS DISTINCT FROM p_user.user_id
        ORDER BY u.user_id FOR NO KEY UPDATE
    LOOP
        SELECT min(s.source COLLATE "C") INTO v_owner FROM user_claim k JOIN source s USING (source_id) WHERE k.user_id = v_holder.user_id;
        IF v_owner IS NOT NULL OR v_holder.active THEN
            RETURN CASE WHEN v_holder.username_key = p_user.username_key
                        THEN format('userName "%s" is that of another user of this identity manager', v_holder.username)
                        ELSE format('externalId "%s" is that of user "%s"', p_user.external_id, v_holder.username) END
                   || format(' (source "%s"); rename or remove one of them', coalesce(v_owner, 'manual'));
        END IF;
    END LOOP;
    UPDATE app_user u SET username_key = NULL
    WHERE u.iam_id = c.iam_id AND u.username_key = p_user.username_key AND u.user_id IS DISTINCT FROM p_user.user_id;
    IF p_external_too AND EXISTS (SELECT FROM app_user u WHERE u.iam_id = c.iam_id AND u.external_id = p_user.external_id AND u.user_id <> p_user.user_id) THEN
        v_run := scim_run(c);
        -- The name goes with it: without an id, whoever takes the name would be taken for the one who left.
        UPDATE app_user u SET external_id = NULL, username_key = NULL, version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE u.iam_id = c.iam_id AND u.external_id = p_user.external_id AND u.user_id <> p_user.user_id;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.scim_make_room IS 'Makes username, and with p_external_too the external id, free for a user: NULL when they are, else whose they are and nothing has changed.';

-- Nearly every POST ends here, so it takes the fewest statements.
CREATE FUNCTION roster_private.scim_new_user(c roster_private.scim_context, p_scim_id uuid, p_user roster_private.app_user, p_names text[], p_values text[])
    RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_taken ordinals := begin_single(c.actor, c.source_id, c.iam_id, 1 + cardinality(p_names));
    v_id    bigint := nextval('roster_private.user_id_seq');
BEGIN
    INSERT INTO app_user (user_id, iam_id, source_id, username, username_key, external_id, display_name, email, profile, active,
                          created_run, opened_run, opened_no)
    VALUES (v_id, c.iam_id, c.source_id, p_user.username, p_user.username_key, p_user.external_id, p_user.display_name, p_user.email,
            p_user.profile, p_user.active, v_taken.run_id, v_taken.run_id, v_taken.first + 1);
    INSERT INTO user_claim (source_id, key, user_id, active) VALUES (c.source_id, p_scim_id, v_id, p_user.active);
    INSERT INTO user_attribute (user_id, source_id, opened_no, opened_run, name, value)
    SELECT v_id, c.source_id, v_taken.first + 1 + row_number() OVER (), v_taken.run_id, d.name, d.value FROM unnest(p_names, p_values) d(name, value);
    IF EXISTS (SELECT FROM default_permission d WHERE d.iam_id = c.iam_id) THEN
        PERFORM give_default_permissions(v_taken.run_id, c.iam_id, ARRAY[v_id]);
    END IF;
    RETURN v_id;
END $$;
COMMENT ON FUNCTION roster_private.scim_new_user IS 'Makes a user who was never here, with attributes, and returns user_id.';

CREATE FUNCTION roster_private.scim_state_user(c roster_private.scim_context, p_scim_id uuid, p_user roster_private.app_user, p_create boolean) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_old    app_user;
    v_user   app_user;
    v_owns   boolean;
    v_detail text;
    v_run    bigint;
BEGIN
    SELECT u.* INTO v_old FROM app_user u WHERE u.user_id = p_user.user_id FOR NO KEY UPDATE;
    v_user := v_old;
    -- A source states the profile unless another that still claims the user does; SQL calls yield.
    v_owns := v_old.source_id IN (c.source_id, 1)
              OR NOT EXISTS (SELECT FROM user_claim o WHERE o.user_id = v_old.user_id AND o.source_id = v_old.source_id);
    v_user.active := NOT v_old.admin_disabled
        AND (p_user.active OR EXISTS (SELECT FROM user_claim o WHERE o.user_id = v_old.user_id AND o.active AND o.source_id NOT IN (c.source_id, 1)));
    IF v_owns THEN
        v_user.source_id := c.source_id;
        v_user.username := p_user.username;
        v_user.username_key := p_user.username_key;
        -- The id by which other sources know the user stays while they do.
        IF v_old.external_id IS NULL OR NOT EXISTS (SELECT FROM user_claim o WHERE o.user_id = v_old.user_id AND o.source_id NOT IN (c.source_id, 1)) THEN
            v_user.external_id := p_user.external_id;
        END IF;
        v_user.display_name := p_user.display_name;
        v_user.email := p_user.email;
        v_user.profile := p_user.profile;
    ELSE
        v_user.external_id := coalesce(v_old.external_id, p_user.external_id);
        IF v_old.username_key IS NULL THEN
            v_user.username := p_user.username;
            v_user.username_key := p_user.username_key;
        END IF;
    END IF;
    IF (v_user.username_key, v_user.external_id) IS DISTINCT FROM (v_old.username_key, v_old.external_id) THEN
        v_detail := scim_make_room(c, v_user, true);
        IF v_detail IS NOT NULL THEN
            RETURN v_detail;
        END IF;
    END IF;
    IF v_user IS DISTINCT FROM v_old THEN
        v_run := scim_run(c);
        UPDATE app_user u
        SET source_id = v_user.source_id, username = v_user.username, username_key = v_user.username_key, external_id = v_user.external_id,
            display_name = v_user.display_name, email = v_user.email, profile = v_user.profile, active = v_user.active,
            version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE u.user_id = v_user.user_id;
    END IF;
    PERFORM scim_claim_user(c.source_id, p_scim_id, v_user.user_id, p_user.active, v_owns, p_create);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION roster_private.scim_state_user IS 'States a user who is here already: NULL when done, else what is in the way and nothing has changed.';

CREATE FUNCTION roster_private.scim_claim_user(p_source_id integer, p_scim_id uuid, p_user_id bigint, p_active boolean, p_owns boolean, p_create boolean)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF NOT p_create THEN
        UPDATE user_claim k SET active = p_active WHERE k.source_id = p_source_id AND k.key = p_scim_id AND k.active <> p_active;
        RETURN;
    END IF;
    IF p_owns THEN
        -- Adoption: what a SQL call made now belongs to the source, also when the provider deletes it.
        DELETE FROM user_claim k WHERE k.user_id = p_user_id AND k.source_id = 1;
    END IF;
    INSERT INTO user_claim (source_id, key, user_id, active) VALUES (p_source_id, p_scim_id, p_user_id, p_active);
END $$;
COMMENT ON FUNCTION roster_private.scim_claim_user IS 'Says that the source has the user.';

-- Deleting is rare and reaches across groups: it has the identity manager alone, so it needs no order of row locks.
CREATE FUNCTION roster_private.scim_delete_user(p_source_id integer, p_actor text, p_scim_id uuid, p_expected bigint) RETURNS roster_private.scim_written
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c          scim_context := scim_begin(p_source_id, p_actor, true);
    v_resource scim_user;
    v_user     app_user;
    v_run      bigint;
    v_heir     integer;
    v_stays    boolean;
BEGIN
    SELECT r.* INTO v_resource FROM scim_user r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN scim_refused('missing');
    ELSIF v_resource.version <> p_expected THEN
        RETURN scim_refused('stale');
    END IF;
    v_run := scim_run(c);
    SELECT u.* INTO v_user FROM app_user u WHERE u.user_id = v_resource.user_id FOR NO KEY UPDATE;
    DELETE FROM user_claim k WHERE k.source_id = p_source_id AND k.key = p_scim_id;
    SELECT min(k.source_id), coalesce(bool_or(k.active), false) INTO v_heir, v_stays FROM user_claim k WHERE k.user_id = v_user.user_id;
    PERFORM scim_touch_groups(p_source_id, ARRAY(SELECT m.group_id FROM membership m WHERE m.user_id = v_user.user_id AND m.source_id = p_source_id));
    DELETE FROM membership m WHERE m.user_id = v_user.user_id AND m.source_id = p_source_id;
    DELETE FROM user_attribute a WHERE a.user_id = v_user.user_id AND a.source_id = p_source_id;
    DELETE FROM user_permission p WHERE p.user_id = v_user.user_id AND p.source_id = p_source_id;
    DELETE FROM platform_username p WHERE p.user_id = v_user.user_id AND p.source_id = p_source_id;
    IF v_user.active AND NOT v_stays OR v_user.source_id = p_source_id AND v_heir IS NOT NULL THEN
        UPDATE app_user u
        SET active = u.active AND v_stays, source_id = CASE WHEN u.source_id = p_source_id THEN coalesce(v_heir, p_source_id) ELSE u.source_id END,
            username_key = CASE WHEN v_heir IS NOT NULL THEN u.username_key END,
            version = u.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE u.user_id = v_user.user_id;
    ELSIF v_heir IS NULL THEN
        UPDATE app_user u SET username_key = NULL WHERE u.user_id = v_user.user_id;
    END IF;
    -- Whoever states the profile from now on must state it anew.
    UPDATE user_claim k SET fingerprint = NULL WHERE k.user_id = v_user.user_id;
    PERFORM scim_stop_waiting(p_source_id, p_scim_id);
    DELETE FROM scim_user r WHERE r.rid = v_resource.rid;
    PERFORM scim_trace(c, 'remove', 'scim_user', v_user.username, v_resource.document, '{}');
    RETURN ROW('deleted', p_scim_id, v_resource.version, v_resource.created_at, clock_timestamp(), NULL)::scim_written;
END $$;
COMMENT ON FUNCTION roster_private.scim_delete_user IS 'Ends a user resource: what the source stated is closed, the user is disabled unless another source has them, the username is free.';
