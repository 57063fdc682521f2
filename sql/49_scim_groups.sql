-- SCIM: groups. Members come and go as rows: what a change costs does not depend on the size of the group.

CREATE FUNCTION roster_private.scim_put_group(
    p_source_id integer, p_actor text, p_scim_id uuid, p_create boolean, p_expected bigint,
    p_document jsonb, p_search jsonb, p_group_name text, p_external_id text, p_names text[], p_values text[], p_sync boolean,
    p_clear boolean, p_add text[], p_remove text[], p_later text[], p_by_external_id boolean)
    RETURNS roster_private.scim_written
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c          scim_context;
    v_name     text := CASE WHEN p_document IS NOT NULL THEN clean_name('displayName', p_group_name) END;
    v_external text := CASE WHEN p_external_id IS NULL THEN p_scim_id::text ELSE clean_name('externalId', p_external_id) END;
    v_resource scim_group;
    v_added    scim_members_named;
    v_removed  scim_members_named;
    v_took     boolean;
    v_alone    boolean;
    v_detail   text;
    v_same     boolean;
    v_now      timestamptz := clock_timestamp();
BEGIN
    p_add := coalesce(p_add, '{}');
    p_remove := coalesce(p_remove, '{}');
    p_clear := coalesce(p_clear, false);
    SELECT r.* INTO v_resource FROM scim_group r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id;
    -- Members who are users share the identity manager, everything else changes the graph of groups.
    v_alone := p_document IS NOT NULL
               OR p_sync IS DISTINCT FROM (v_resource.group_id IS NOT NULL)
               OR p_clear AND EXISTS (SELECT FROM nesting n WHERE n.parent_id = v_resource.group_id AND n.source_id = p_source_id)
               OR EXISTS (SELECT FROM scim_group r WHERE r.source_id = p_source_id
                          AND r.scim_id = ANY (ARRAY(SELECT scim_uuid(v.value) FROM unnest(p_add || p_remove) v(value))));
    -- Members may have gone while this request waited, so they are looked up behind the lock.
    c := scim_begin(p_source_id, p_actor, v_alone);
    v_added := scim_find_members(c, p_add, p_by_external_id);
    v_removed := scim_find_members(c, p_remove, p_by_external_id);
    IF cardinality(v_added.unknown) > 0 THEN
        -- Somebody may be creating that very user: one of the two sees the other.
        PERFORM pg_advisory_xact_lock(lock_class('pending'), p_source_id);
        v_added := scim_find_members(c, p_add, p_by_external_id);
    END IF;
    IF NOT p_create THEN
        SELECT r.* INTO v_resource FROM scim_group r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id FOR UPDATE;
        IF NOT FOUND THEN
            RETURN scim_refused('missing');
        ELSIF v_resource.version <> p_expected THEN
            RETURN scim_refused('stale');
        END IF;
    END IF;
    IF cardinality(v_added.unknown) > 0 AND cardinality(v_added.user_ids) + cardinality(v_added.group_rids) = 0
       AND NOT v_added.unknown && coalesce(p_later, '{}') THEN
        RETURN scim_refused('unknown_members', v_added.unknown[1]);
    END IF;
    v_took := v_resource.group_id IS NOT NULL;
    IF p_document IS NULL AND p_sync AND NOT v_took AND v_alone THEN
        -- The source takes groups by now: this one too, as it was stated last, unless something is in the way.
        v_name := clean_name('displayName', v_resource.document ->> 'displayName');
        v_external := clean_name('externalId', coalesce(v_resource.document ->> 'externalId', p_scim_id::text));
        IF scim_group_conflict(c, v_resource, v_name, v_external, v_resource.search -> 'displayname', true) IS NULL THEN
            p_document := v_resource.document;
            p_names := '{}';
            p_values := '{}';
        END IF;
    ELSIF p_document IS NOT NULL THEN
        v_detail := scim_group_conflict(c, v_resource, v_name, v_external, p_search -> 'displayname', p_sync);
        IF v_detail IS NOT NULL THEN
            RETURN scim_refused('taken', v_detail);
        END IF;
    END IF;

    IF p_create THEN
        INSERT INTO scim_group (source_id, scim_id, created_at, modified_at, confirmed_at, document, search)
        VALUES (p_source_id, p_scim_id, v_now, v_now, v_now, p_document, p_search)
        RETURNING * INTO v_resource;
    END IF;
    IF p_sync AND p_document IS NOT NULL THEN
        v_resource.group_id := scim_state_group(c, v_resource, v_name, v_external, p_names, p_values);
    ELSIF NOT p_sync AND v_took THEN
        IF NOT v_alone THEN
            RAISE EXCEPTION 'the source began to take groups meanwhile' USING ERRCODE = 'serialization_failure', HINT = 'Repeat the request.';
        END IF;
        PERFORM scim_withdraw_group(c, v_resource, true);
        v_resource.group_id := NULL;
    END IF;
    IF v_resource.group_id IS NOT NULL THEN
        -- What waited for the source to take groups, or for its members, is looked at again with every statement of the group.
        IF p_document IS NOT NULL AND NOT p_clear AND EXISTS (SELECT FROM scim_pending p WHERE p.group_rid = v_resource.rid) THEN
            p_add := p_add || ARRAY(SELECT p.value FROM scim_pending p WHERE p.group_rid = v_resource.rid EXCEPT SELECT unnest(p_remove));
            v_added := scim_find_members(c, p_add, p_by_external_id);
        END IF;
        v_same := NOT scim_change_members(c, v_resource, p_clear, v_added, v_removed, p_add || p_remove, v_alone);
    ELSE
        v_same := NOT scim_keep_members(c, v_resource, p_clear, v_added, v_removed, p_add || p_remove);
    END IF;

    IF NOT v_took AND v_resource.group_id IS NOT NULL THEN
        PERFORM scim_admit_group(c, v_resource, p_create);
    END IF;
    IF p_create THEN
        PERFORM scim_trace(c, 'add', 'scim_group', v_name, '{}', p_document);
        RETURN ROW('created', v_resource.scim_id, v_resource.version, v_resource.created_at, v_resource.modified_at, NULL)::scim_written;
    END IF;
    v_same := v_same AND v_resource.document = coalesce(p_document, v_resource.document) AND v_took = (v_resource.group_id IS NOT NULL);
    IF NOT v_same THEN
        PERFORM scim_trace(c, 'change', 'scim_group', coalesce(v_name, v_resource.document ->> 'displayName'), v_resource.document,
                           coalesce(p_document, v_resource.document));
    END IF;
    IF NOT v_same OR p_document IS NOT NULL THEN
        UPDATE scim_group r
        SET document = coalesce(p_document, r.document), search = coalesce(p_search, r.search), version = r.version + (NOT v_same)::integer,
            modified_at = CASE WHEN v_same THEN r.modified_at ELSE greatest(v_now, r.modified_at) END,
            confirmed_at = CASE WHEN p_document IS NOT NULL THEN v_now ELSE r.confirmed_at END
        WHERE r.rid = v_resource.rid RETURNING * INTO v_resource;
    END IF;
    RETURN ROW(CASE WHEN v_same THEN 'same' ELSE 'changed' END, v_resource.scim_id, v_resource.version,
               v_resource.created_at, v_resource.modified_at, NULL)::scim_written;
END $$;
COMMENT ON FUNCTION roster_private.scim_put_group IS 'Writes a group resource, its members and all that follows, in one transaction. p_document NULL = members only. Members: what p_clear leaves, less p_remove, plus p_add; values that mean nobody wait in scim_pending unless all of them do. Errors: 22023 unusable name, 23505 somebody else took the name at this moment, 40001 the group got other members meanwhile.';

-- Which group a resource becomes: its own, the one of that immutable id, or one of that name that has no id yet.
CREATE FUNCTION roster_private.scim_group_target(c roster_private.scim_context, p_resource roster_private.scim_group, p_name text, p_external_id text)
    RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT coalesce(p_resource.group_id,
        (SELECT g.group_id FROM app_group g WHERE g.iam_id = c.iam_id AND g.external_id = p_external_id),
        (SELECT g.group_id FROM app_group g WHERE g.iam_id = c.iam_id AND g.group_name_key = p_name AND g.external_id IS NULL))
$$;
COMMENT ON FUNCTION roster_private.scim_group_target IS 'The group that a resource is or adopts; NULL = a new one.';

CREATE FUNCTION roster_private.scim_group_conflict(c roster_private.scim_context, p_resource roster_private.scim_group, p_name text, p_external_id text,
                                                   p_folded jsonb, p_sync boolean) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_target bigint := scim_group_target(c, p_resource, p_name, p_external_id);
    v_source text;
BEGIN
    IF EXISTS (SELECT FROM scim_group r WHERE r.source_id = c.source_id AND r.search ->> 'displayname' = p_folded #>> '{}'
               AND r.rid IS DISTINCT FROM p_resource.rid) THEN
        RETURN format('displayName "%s" is that of another group; rename one of them', p_name);
    END IF;
    IF NOT p_sync THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM scim_group r WHERE r.group_id = v_target AND r.source_id = c.source_id AND r.rid IS DISTINCT FROM p_resource.rid)
       OR EXISTS (SELECT FROM app_group g JOIN group_claim k USING (group_id)
                  WHERE g.iam_id = c.iam_id AND g.external_id = p_external_id AND g.group_id IS DISTINCT FROM v_target) THEN
        RETURN format('externalId "%s" is that of another group', p_external_id);
    END IF;
    SELECT s.source INTO v_source FROM app_group g JOIN source s USING (source_id)
    WHERE g.iam_id = c.iam_id AND g.group_name_key = p_name AND g.active AND g.group_id IS DISTINCT FROM v_target;
    RETURN CASE WHEN v_source IS NOT NULL THEN
        format('displayName "%s" is that of another group of this identity manager (source "%s"); rename one of them', p_name, v_source) END;
END $$;
COMMENT ON FUNCTION roster_private.scim_group_conflict IS 'What is in the way of a group with that name and external id; NULL = nothing. Names of one provider differ by more than case, as its filters compare them.';

CREATE FUNCTION roster_private.scim_state_group(c roster_private.scim_context, p_resource roster_private.scim_group, p_name text, p_external_id text,
                                                p_names text[], p_values text[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_group app_group;
    v_old   app_group;
    v_owns  boolean := true;
    v_run   bigint;
BEGIN
    SELECT g.* INTO v_group FROM app_group g WHERE g.group_id = scim_group_target(c, p_resource, p_name, p_external_id) FOR NO KEY UPDATE;
    -- Groups that are gone give up their name, and an id that nobody claims.
    UPDATE app_group g SET group_name_key = NULL
    WHERE g.iam_id = c.iam_id AND g.group_name_key = p_name AND NOT g.active AND g.group_id IS DISTINCT FROM v_group.group_id;
    IF EXISTS (SELECT FROM app_group g WHERE g.iam_id = c.iam_id AND g.external_id = p_external_id AND g.group_id IS DISTINCT FROM v_group.group_id) THEN
        v_run := scim_run(c);
        UPDATE app_group g SET external_id = NULL, group_name_key = NULL, version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE g.iam_id = c.iam_id AND g.external_id = p_external_id AND g.group_id IS DISTINCT FROM v_group.group_id;
    END IF;
    IF v_group.group_id IS NULL THEN
        v_run := scim_run(c);
        INSERT INTO app_group (group_id, iam_id, source_id, group_name, group_name_key, external_id, display_name, active, created_run, opened_run, opened_no)
        VALUES (nextval('roster_private.group_id_seq'), c.iam_id, c.source_id, p_name, p_name, p_external_id, p_name, true, v_run, v_run,
                take_numbers(v_run, 1) + 1)
        RETURNING * INTO v_group;
    ELSE
        v_old := v_group;
        v_owns := v_group.source_id IN (c.source_id, 1)
                  OR NOT EXISTS (SELECT FROM group_claim o WHERE o.group_id = v_group.group_id AND o.source_id = v_group.source_id);
        v_group.active := true;
        -- The id by which other sources know the group stays while they do.
        IF v_old.external_id IS NULL
           OR v_owns AND NOT EXISTS (SELECT FROM group_claim o WHERE o.group_id = v_old.group_id AND o.source_id NOT IN (c.source_id, 1)) THEN
            v_group.external_id := p_external_id;
        END IF;
        IF v_owns OR v_old.group_name_key IS NULL THEN
            v_group.group_name := p_name;
            v_group.group_name_key := p_name;
        END IF;
        IF v_owns THEN
            v_group.source_id := c.source_id;
            v_group.display_name := p_name;
        END IF;
        IF v_group IS DISTINCT FROM v_old THEN
            v_run := scim_run(c);
            UPDATE app_group g
            SET source_id = v_group.source_id, group_name = v_group.group_name, group_name_key = v_group.group_name_key, active = true,
                external_id = v_group.external_id, display_name = v_group.display_name,
                version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
            WHERE g.group_id = v_group.group_id;
        END IF;
    END IF;
    IF p_resource.group_id IS NULL THEN
        IF v_owns THEN
            DELETE FROM group_claim k WHERE k.group_id = v_group.group_id AND k.source_id = 1;
        END IF;
        INSERT INTO group_claim (source_id, key, group_id) VALUES (c.source_id, p_resource.scim_id, v_group.group_id);
        UPDATE scim_group r SET group_id = v_group.group_id WHERE r.rid = p_resource.rid;
    END IF;
    IF v_old.group_id IS NULL OR NOT v_old.active THEN
        PERFORM refresh_groups(ARRAY[v_group.group_id]);
    END IF;
    PERFORM scim_state_group_attributes(c, v_group.group_id, p_names, p_values);
    RETURN v_group.group_id;
END $$;
COMMENT ON FUNCTION roster_private.scim_state_group IS 'Makes a group resource a group, with its attributes, and returns group_id.';

CREATE FUNCTION roster_private.scim_state_group_attributes(c roster_private.scim_context, p_group_id bigint, p_names text[], p_values text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_gone  bigint;
    v_fresh bigint;
    v_first integer;
    v_run   bigint;
BEGIN
    SELECT count(*) FILTER (WHERE d.name IS NULL), count(*) FILTER (WHERE a.name IS NULL) INTO v_gone, v_fresh
    FROM (SELECT a.name, a.value FROM group_attribute a WHERE a.group_id = p_group_id AND a.source_id = c.source_id) a
    FULL JOIN unnest(p_names, p_values) d(name, value) ON d.name = a.name AND d.value = a.value;
    IF v_gone + v_fresh = 0 THEN
        RETURN;
    END IF;
    v_run := scim_run(c);
    DELETE FROM group_attribute a
    WHERE a.group_id = p_group_id AND a.source_id = c.source_id
      AND NOT EXISTS (SELECT FROM unnest(p_names, p_values) d(name, value) WHERE d.name = a.name AND d.value = a.value);
    v_first := take_numbers(v_run, v_fresh);
    INSERT INTO group_attribute (group_id, source_id, opened_no, opened_run, name, value)
    SELECT p_group_id, c.source_id, v_first + row_number() OVER (), v_run, d.name, d.value
    FROM unnest(p_names, p_values) d(name, value)
    WHERE NOT EXISTS (SELECT FROM group_attribute a WHERE a.group_id = p_group_id AND a.name = d.name AND a.value = d.value AND a.source_id = c.source_id);
    PERFORM refresh_group_attributes(ARRAY[p_group_id]);
END $$;
COMMENT ON FUNCTION roster_private.scim_state_group_attributes IS 'Makes the given values all that the source states about a group.';

-- End -------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.scim_withdraw_group(c roster_private.scim_context, p_resource roster_private.scim_group, p_keep boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_group    app_group;
    v_children bigint[] := ARRAY(SELECT n.child_id FROM nesting n WHERE n.parent_id = p_resource.group_id AND n.source_id = c.source_id);
    v_parents  bigint[] := ARRAY(SELECT n.parent_id FROM nesting n WHERE n.child_id = p_resource.group_id AND n.source_id = c.source_id);
    v_heir     integer;
    v_run      bigint := scim_run(c);
BEGIN
    SELECT g.* INTO v_group FROM app_group g WHERE g.group_id = p_resource.group_id FOR NO KEY UPDATE;
    IF p_keep THEN
        INSERT INTO scim_pending (group_rid, value, scim_id, source_id)
        SELECT p_resource.rid, r.scim_id::text, r.scim_id, c.source_id
        FROM membership m JOIN scim_user r ON r.user_id = m.user_id AND r.source_id = c.source_id
        WHERE m.group_id = v_group.group_id AND m.source_id = c.source_id
        UNION ALL
        SELECT p_resource.rid, r.scim_id::text, r.scim_id, c.source_id FROM scim_group r WHERE r.group_id = ANY (v_children) AND r.source_id = c.source_id
        UNION ALL
        SELECT r.rid, p_resource.scim_id::text, p_resource.scim_id, c.source_id FROM scim_group r WHERE r.group_id = ANY (v_parents) AND r.source_id = c.source_id
        ON CONFLICT DO NOTHING;
    ELSE
        PERFORM scim_touch_groups(c.source_id, v_parents);
    END IF;
    DELETE FROM membership m WHERE m.group_id = v_group.group_id AND m.source_id = c.source_id;
    DELETE FROM nesting n WHERE v_group.group_id IN (n.parent_id, n.child_id) AND n.source_id = c.source_id;
    DELETE FROM group_attribute a WHERE a.group_id = v_group.group_id AND a.source_id = c.source_id;
    DELETE FROM group_claim k WHERE k.group_id = v_group.group_id AND k.source_id = c.source_id;
    SELECT min(k.source_id) INTO v_heir FROM group_claim k WHERE k.group_id = v_group.group_id;
    IF v_heir IS NULL OR v_group.source_id = c.source_id THEN
        UPDATE app_group g
        SET active = v_heir IS NOT NULL, source_id = coalesce(v_heir, g.source_id), group_name_key = CASE WHEN v_heir IS NOT NULL THEN g.group_name_key END,
            version = g.version + 1, opened_run = v_run, opened_no = take_numbers(v_run, 1) + 1
        WHERE g.group_id = v_group.group_id;
    END IF;
    UPDATE group_claim k SET fingerprint = NULL WHERE k.group_id = v_group.group_id;
    UPDATE scim_group r SET group_id = NULL WHERE r.rid = p_resource.rid;
    PERFORM refresh_groups(v_children || v_group.group_id);
END $$;
COMMENT ON FUNCTION roster_private.scim_withdraw_group IS 'Ends what the source states about a group; p_keep = its members wait for the source to take groups again.';

CREATE FUNCTION roster_private.scim_delete_group(p_source_id integer, p_actor text, p_scim_id uuid, p_expected bigint) RETURNS roster_private.scim_written
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c          scim_context := scim_begin(p_source_id, p_actor, true);
    v_resource scim_group;
BEGIN
    SELECT r.* INTO v_resource FROM scim_group r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN scim_refused('missing');
    ELSIF v_resource.version <> p_expected THEN
        RETURN scim_refused('stale');
    END IF;
    IF v_resource.group_id IS NOT NULL THEN
        PERFORM scim_withdraw_group(c, v_resource, false);
    END IF;
    DELETE FROM scim_pending p WHERE p.group_rid = v_resource.rid;
    PERFORM scim_stop_waiting(p_source_id, p_scim_id);
    DELETE FROM scim_group r WHERE r.rid = v_resource.rid;
    PERFORM scim_trace(c, 'remove', 'scim_group', v_resource.document ->> 'displayName', v_resource.document, '{}');
    RETURN ROW('deleted', p_scim_id, v_resource.version, v_resource.created_at, clock_timestamp(), NULL)::scim_written;
END $$;
COMMENT ON FUNCTION roster_private.scim_delete_group IS 'Ends a group resource: its members, nestings and attributes are closed, the name is free. A group that another source states stays.';

-- What an administrator deletes by hand is gone for the provider too.
CREATE FUNCTION roster_private.scim_forget(p_user_id bigint, p_group_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    PERFORM scim_stop_waiting(r.source_id, r.scim_id) FROM scim_user r WHERE r.user_id = p_user_id;
    PERFORM scim_stop_waiting(r.source_id, r.scim_id) FROM scim_group r WHERE r.group_id = p_group_id;
    DELETE FROM scim_user r WHERE r.user_id = p_user_id;
    DELETE FROM scim_pending p USING scim_group r WHERE r.group_id = p_group_id AND p.group_rid = r.rid;
    DELETE FROM scim_group r WHERE r.group_id = p_group_id;
END $$;
COMMENT ON FUNCTION roster_private.scim_forget IS 'Deletes the resources of a user or group that is deleted for good.';
