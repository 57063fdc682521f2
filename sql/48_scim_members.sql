-- SCIM: members of groups. They come and go as rows, or wait until they are somebody.

CREATE TYPE roster_private.scim_members_named AS (user_ids bigint[], group_rids bigint[], unknown text[]);
COMMENT ON TYPE roster_private.scim_members_named IS 'Whom a list of member values means: users, group resources, and values that mean nobody.';

CREATE FUNCTION roster_private.scim_find_members(c roster_private.scim_context, p_values text[], p_by_external_id boolean)
    RETURNS roster_private.scim_members_named
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_named scim_members_named;
BEGIN
    IF coalesce(cardinality(p_values), 0) = 0 THEN
        RETURN ROW('{}'::bigint[], '{}'::bigint[], '{}'::text[])::scim_members_named;
    END IF;
    SELECT coalesce(array_agg(DISTINCT f.user_id) FILTER (WHERE f.user_id IS NOT NULL), '{}'),
           coalesce(array_agg(DISTINCT f.rid) FILTER (WHERE f.rid IS NOT NULL), '{}'),
           coalesce(array_agg(DISTINCT f.value) FILTER (WHERE f.user_id IS NULL AND f.rid IS NULL), '{}')
    INTO v_named
    FROM (SELECT v.value, g.rid, coalesce(u.user_id, x.user_id) AS user_id
          FROM (SELECT p.value, scim_uuid(p.value) AS id FROM unnest(p_values) p(value) OFFSET 0) v
          LEFT JOIN scim_user u ON u.scim_id = v.id AND u.source_id = c.source_id
          LEFT JOIN scim_group g ON g.scim_id = v.id AND g.source_id = c.source_id
          LEFT JOIN LATERAL (SELECT r.user_id FROM app_user a JOIN scim_user r ON r.user_id = a.user_id AND r.source_id = c.source_id
                             WHERE p_by_external_id AND u.user_id IS NULL AND g.rid IS NULL
                               AND a.iam_id = c.iam_id AND a.external_id = v.value) x ON true) f;
    RETURN v_named;
END $$;
COMMENT ON FUNCTION roster_private.scim_find_members IS 'Resolves member values of a source: ids, and with p_by_external_id also externalIds of users.';

CREATE FUNCTION roster_private.scim_change_members(
    c roster_private.scim_context, p_resource roster_private.scim_group, p_clear boolean, p_added roster_private.scim_members_named,
    p_removed roster_private.scim_members_named, p_named text[], p_alone boolean) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_group    bigint := p_resource.group_id;
    v_children bigint[] := ARRAY(SELECT r.group_id FROM scim_group r WHERE r.rid = ANY (p_added.group_rids) AND r.group_id <> v_group);
    v_leaving  bigint[];
    v_unnested bigint[];
    -- group_id + 0 keeps the index by group away: a large group would be read to the end for one member.
    v_entering bigint[] := ARRAY(
        SELECT u.id FROM unnest(p_added.user_ids) u(id)
        WHERE NOT EXISTS (SELECT FROM membership m WHERE m.user_id = u.id AND m.group_id + 0 = v_group AND m.source_id = c.source_id) ORDER BY u.id);
    v_nested   bigint[] := ARRAY(
        SELECT h.id FROM unnest(v_children) h(id)
        WHERE NOT EXISTS (SELECT FROM nesting n WHERE n.parent_id = v_group AND n.child_id = h.id AND n.source_id = c.source_id) ORDER BY h.id);
    v_moved    uuid[] := scim_wait(c, p_resource, p_clear, p_named, p_added.unknown || ARRAY(
        SELECT r.scim_id::text FROM scim_group r WHERE r.rid = ANY (p_added.group_rids) AND r.group_id IS NULL));
    v_first    integer;
    v_run      bigint;
BEGIN
    IF p_clear THEN
        v_leaving := ARRAY(SELECT m.user_id FROM membership m WHERE m.group_id = v_group AND m.source_id = c.source_id
                           AND NOT EXISTS (SELECT FROM unnest(p_added.user_ids) u(id) WHERE u.id = m.user_id));
        v_unnested := ARRAY(SELECT n.child_id FROM nesting n WHERE n.parent_id = v_group AND n.source_id = c.source_id AND n.child_id <> ALL (v_children));
    ELSE
        -- Somebody removed by one name and added by another stays.
        v_leaving := ARRAY(SELECT m.user_id FROM membership m
                           WHERE m.user_id = ANY (p_removed.user_ids) AND m.group_id + 0 = v_group AND m.source_id = c.source_id
                           EXCEPT SELECT unnest(p_added.user_ids));
        v_unnested := ARRAY(SELECT n.child_id FROM nesting n JOIN scim_group r ON r.group_id = n.child_id AND r.source_id = c.source_id
                            WHERE r.rid = ANY (p_removed.group_rids) AND n.parent_id = v_group AND n.source_id = c.source_id);
    END IF;
    IF cardinality(v_leaving) + cardinality(v_unnested) + cardinality(v_entering) + cardinality(v_nested) = 0 THEN
        -- The provider sees groups that the source does not take yet.
        RETURN EXISTS (SELECT FROM scim_group r WHERE r.scim_id = ANY (v_moved) AND r.source_id = c.source_id AND r.group_id IS NULL);
    END IF;
    IF cardinality(v_unnested) + cardinality(v_nested) > 0 AND NOT p_alone THEN
        RAISE EXCEPTION 'the group got other members meanwhile' USING ERRCODE = 'serialization_failure', HINT = 'Repeat the request.';
    END IF;
    v_run := scim_run(c);
    IF cardinality(v_leaving) > 0 THEN
        DELETE FROM membership m WHERE m.user_id = ANY (v_leaving) AND m.group_id + 0 = v_group AND m.source_id = c.source_id;
    END IF;
    IF cardinality(v_entering) > 0 THEN
        v_first := take_numbers(v_run, cardinality(v_entering));
        INSERT INTO membership (user_id, group_id, source_id, opened_no, opened_run)
        SELECT u.id, v_group, c.source_id, v_first + u.no, v_run FROM unnest(v_entering) WITH ORDINALITY u(id, no);
    END IF;
    IF cardinality(v_unnested) + cardinality(v_nested) > 0 THEN
        DELETE FROM nesting n WHERE n.parent_id = v_group AND n.child_id = ANY (v_unnested) AND n.source_id = c.source_id;
        v_first := take_numbers(v_run, cardinality(v_nested));
        INSERT INTO nesting (parent_id, child_id, source_id, opened_no, opened_run)
        SELECT v_group, h.id, c.source_id, v_first + h.no, v_run FROM unnest(v_nested) WITH ORDINALITY h(id, no);
        PERFORM refresh_groups(v_unnested || v_nested);
    END IF;
    RETURN true;
END $$;
COMMENT ON FUNCTION roster_private.scim_change_members IS 'Changes the members of a group; true when it has others now. A group in itself is ignored. p_named = all values that the request names.';

CREATE FUNCTION roster_private.scim_wait(
    c roster_private.scim_context, p_resource roster_private.scim_group, p_clear boolean, p_named text[], p_values text[]) RETURNS uuid[]
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    -- What is longer than any id or name can be will never be anybody, and no index holds it.
    v_values text[] := ARRAY(SELECT w.value FROM unnest(p_values) w(value) WHERE octet_length(w.value) <= 1000 AND w.value <> p_resource.scim_id::text);
    v_gone   uuid[];
    v_fresh  uuid[];
BEGIN
    IF EXISTS (SELECT FROM scim_pending p WHERE p.group_rid = p_resource.rid) THEN
        WITH gone AS (
            DELETE FROM scim_pending p
            WHERE p.group_rid = p_resource.rid AND (p_clear OR EXISTS (SELECT FROM unnest(p_named) n(value) WHERE n.value = p.value))
              AND NOT EXISTS (SELECT FROM unnest(v_values) w(value) WHERE w.value = p.value)
            RETURNING p.scim_id
        ) SELECT array_agg(g.scim_id) INTO v_gone FROM gone g;
    END IF;
    IF cardinality(v_values) > 0 THEN
        WITH fresh AS (
            INSERT INTO scim_pending (group_rid, value, scim_id, source_id)
            SELECT p_resource.rid, w.value, scim_uuid(w.value), c.source_id FROM unnest(v_values) w(value) ON CONFLICT DO NOTHING
            RETURNING scim_pending.scim_id
        ) SELECT array_agg(f.scim_id) INTO v_fresh FROM fresh f;
    END IF;
    RETURN v_gone || v_fresh;
END $$;
COMMENT ON FUNCTION roster_private.scim_wait IS 'Has p_values wait for a group, and no longer what the request named (p_clear: what it did not). Returns those that came or went, as ids.';

CREATE FUNCTION roster_private.scim_keep_members(
    c roster_private.scim_context, p_resource roster_private.scim_group, p_clear boolean, p_added roster_private.scim_members_named,
    p_removed roster_private.scim_members_named, p_named text[]) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_moved uuid[] := scim_wait(c, p_resource, p_clear, p_named || scim_member_values(c, p_removed), scim_member_values(c, p_added));
BEGIN
    RETURN EXISTS (SELECT FROM scim_user r WHERE r.scim_id = ANY (v_moved) AND r.source_id = c.source_id)
        OR EXISTS (SELECT FROM scim_group r WHERE r.scim_id = ANY (v_moved) AND r.source_id = c.source_id);
END $$;
COMMENT ON FUNCTION roster_private.scim_keep_members IS 'Keeps the members of a group that the source does not take (sync_groups is off), for the day it does; true when the provider sees others now.';

CREATE FUNCTION roster_private.scim_member_values(c roster_private.scim_context, p_named roster_private.scim_members_named) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT ARRAY(SELECT r.scim_id::text FROM scim_user r WHERE r.user_id = ANY (p_named.user_ids) AND r.source_id = c.source_id
                 UNION ALL SELECT r.scim_id::text FROM scim_group r WHERE r.rid = ANY (p_named.group_rids)) || p_named.unknown
$$;
COMMENT ON FUNCTION roster_private.scim_member_values IS 'Members as ids of resources.';

CREATE FUNCTION roster_private.scim_admit_group(c roster_private.scim_context, p_resource roster_private.scim_group, p_new boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_parents bigint[];
    v_first   integer;
    v_run     bigint;
BEGIN
    WITH ready AS (
        DELETE FROM scim_pending p USING scim_group g
        WHERE p.source_id = c.source_id AND p.value = p_resource.scim_id::text
          AND g.rid = p.group_rid AND g.group_id IS NOT NULL
        RETURNING g.group_id
    )
    SELECT array_agg(r.group_id ORDER BY r.group_id) INTO v_parents FROM ready r WHERE r.group_id <> p_resource.group_id;
    IF v_parents IS NOT NULL THEN
        v_run := scim_run(c);
        v_first := take_numbers(v_run, cardinality(v_parents));
        INSERT INTO nesting (parent_id, child_id, source_id, opened_no, opened_run)
        SELECT g.id, p_resource.group_id, c.source_id, v_first + g.no, v_run FROM unnest(v_parents) WITH ORDINALITY g(id, no);
        PERFORM refresh_groups(ARRAY[p_resource.group_id]);
        IF p_new THEN
            PERFORM scim_touch_groups(c.source_id, v_parents);
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.scim_admit_group IS 'Puts a group that is new, or taken by the source from now on, into the groups that have waited for it. The provider saw it in there all the time unless it is new.';

-- Groups were told of the member before the member was there.
CREATE FUNCTION roster_private.scim_admit_user(c roster_private.scim_context, p_user_id bigint, p_values text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_groups bigint[];
    v_first  integer;
    v_run    bigint;
BEGIN
    -- Locked in one order, as every change of members does.
    PERFORM FROM scim_group g
    WHERE g.rid IN (SELECT p.group_rid FROM scim_pending p WHERE p.source_id = c.source_id AND p.value = ANY (p_values))
      AND g.group_id IS NOT NULL ORDER BY g.rid FOR UPDATE;
    WITH ready AS (
        DELETE FROM scim_pending p USING scim_group g
        WHERE p.source_id = c.source_id AND p.value = ANY (p_values) AND g.rid = p.group_rid AND g.group_id IS NOT NULL
        RETURNING g.group_id
    )
    SELECT array_agg(DISTINCT r.group_id) INTO v_groups FROM ready r
    -- group_id + 0: by user, as in scim_change_members.
    WHERE NOT EXISTS (SELECT FROM membership m WHERE m.user_id = p_user_id AND m.group_id + 0 = r.group_id AND m.source_id = c.source_id);
    IF v_groups IS NULL THEN
        RETURN;
    END IF;
    v_run := scim_run(c);
    v_first := take_numbers(v_run, cardinality(v_groups));
    INSERT INTO membership (user_id, group_id, source_id, opened_no, opened_run)
    SELECT p_user_id, g.id, c.source_id, v_first + g.no, v_run FROM unnest(v_groups) WITH ORDINALITY g(id, no);
    PERFORM scim_touch_groups(c.source_id, v_groups);
END $$;
COMMENT ON FUNCTION roster_private.scim_admit_user IS 'Puts a user into the groups that have waited for one of these ids.';

CREATE FUNCTION roster_private.scim_touch_groups(p_source_id integer, p_groups bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE scim_group g SET version = g.version + 1, modified_at = greatest(clock_timestamp(), g.modified_at)
    WHERE g.group_id = ANY (p_groups) AND g.source_id = p_source_id;
END $$;
COMMENT ON FUNCTION roster_private.scim_touch_groups IS 'Gives the resources of groups whose members of that source changed a new version.';

CREATE FUNCTION roster_private.scim_stop_waiting(p_source_id integer, p_scim_id uuid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    WITH gone AS (
        DELETE FROM scim_pending p WHERE p.source_id = p_source_id AND p.value = p_scim_id::text RETURNING p.group_rid
    )
    UPDATE scim_group g SET version = g.version + 1, modified_at = greatest(clock_timestamp(), g.modified_at)
    FROM gone WHERE g.rid = gone.group_rid;
END $$;
COMMENT ON FUNCTION roster_private.scim_stop_waiting IS 'Takes a resource that is deleted out of the groups that kept it as a member without having taken it.';
