-- Apply: writes a plan into the facts. Every statement must touch exactly what the plan lists, or all is undone.

CREATE FUNCTION roster_private.lock_iam(p_iam_id integer, p_exclusive boolean) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    -- A snapshot older than the lock would miss what others committed while this session waited for it.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'pg_roster changes data in READ COMMITTED transactions only, this one is %',
                        upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'invalid_transaction_state', HINT = 'Use BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
    IF p_exclusive THEN
        PERFORM pg_advisory_xact_lock(lock_class('iam'), p_iam_id);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(lock_class('iam'), p_iam_id);
    END IF;
    -- It may have been dropped while this session waited.
    IF NOT EXISTS (SELECT FROM iam i WHERE i.iam_id = p_iam_id AND i.dropped_at IS NULL) THEN
        RAISE EXCEPTION 'the identity manager was dropped meanwhile' USING ERRCODE = 'undefined_object', HINT = 'See roster.identity_managers.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.lock_iam IS 'Single changes share an identity manager; planned runs and changes of the group graph have it alone.';

CREATE FUNCTION roster_private.expect_rows(p_what text, p_planned bigint, p_done bigint) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_planned <> p_done THEN
        RAISE EXCEPTION 'the data changed since this plan was made (%: % planned, % found)', p_what, p_planned, p_done
            USING ERRCODE = 'serialization_failure', HINT = 'Synchronise the source again.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.expect_rows IS 'Refuses to go on when a statement did not find what the plan lists.';

CREATE FUNCTION roster_private.apply_plan(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_seeds bigint[];
BEGIN
    INSERT INTO run (run_id, at, actor, source_id, iam_ids, single)
    VALUES (c.run_id, clock_timestamp(), caller(), c.source_id, ARRAY[c.iam_id], false);
    PERFORM write_as(c.run_id);
    -- While the claims still say what everybody was called, and the edges who was where.
    PERFORM apply_pending(c);
    PERFORM apply_users(c);
    PERFORM apply_groups(c);
    PERFORM apply_values(c);
    PERFORM apply_edges(c);
    PERFORM apply_links(c);
    v_seeds := planned_seeds(c);
    PERFORM refresh_groups(v_seeds);
    -- What a refreshed group carries is derived already, for it and all below it.
    PERFORM refresh_group_attributes(ARRAY(
        SELECT v.id FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'group'
        EXCEPT SELECT unnest(groups_below(v_seeds))));
END $$;
COMMENT ON FUNCTION roster_private.apply_plan IS 'Writes a plan: facts, history, claims, derived tables.';

CREATE FUNCTION roster_private.apply_users(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_planned bigint;
    v_first   integer;
    v_done    bigint;
BEGIN
    SELECT count(*) INTO v_planned FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NOT NULL AND p.op <> 'keep';
    IF v_planned > 0 THEN
        v_first := take_numbers(c.run_id, v_planned);
        UPDATE app_user u
        SET username_key = p.name_key,
            username = CASE p.op WHEN 'release' THEN u.username ELSE p.name END,
            external_id = CASE p.op WHEN 'release' THEN u.external_id ELSE p.external_id END,
            display_name = CASE p.op WHEN 'release' THEN u.display_name ELSE p.display_name END,
            email = CASE p.op WHEN 'release' THEN u.email ELSE p.email END,
            profile = CASE p.op WHEN 'release' THEN u.profile ELSE p.profile END,
            active = CASE p.op WHEN 'release' THEN u.active ELSE p.active END,
            source_id = CASE p.op WHEN 'release' THEN u.source_id ELSE p.owner_id END,
            version = CASE p.op WHEN 'release' THEN u.version ELSE u.version + 1 END,
            opened_run = CASE p.op WHEN 'release' THEN u.opened_run ELSE c.run_id END,
            opened_no = CASE p.op WHEN 'release' THEN u.opened_no ELSE v_first + p.place END
        FROM (SELECT p.*, row_number() OVER (ORDER BY p.id) AS place FROM plan_entity p
              WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NOT NULL AND p.op <> 'keep') p
        WHERE u.user_id = p.id AND u.version = p.version;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        PERFORM expect_rows('users', v_planned, v_done);
    END IF;

    SELECT count(*) INTO v_planned FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NULL;
    IF v_planned > 0 THEN
        v_first := take_numbers(c.run_id, v_planned);
        INSERT INTO app_user (user_id, iam_id, source_id, username, username_key, external_id, display_name, email, profile,
                              active, created_run, opened_run, opened_no)
        SELECT p.id, c.iam_id, c.source_id, p.name, p.name_key, p.external_id, p.display_name, p.email, coalesce(p.profile, '{}'),
               p.active, c.run_id, c.run_id, v_first + row_number() OVER (ORDER BY p.id)
        FROM plan_entity p
        WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NULL;
        PERFORM give_default_permissions(c.run_id, c.iam_id, ARRAY(
            SELECT p.id FROM plan_entity p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.version IS NULL));
    END IF;

    -- Adoption: what a SQL call made now belongs to the source, also when the source loses the user again.
    DELETE FROM user_claim k USING plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set' AND p.owner_id = c.source_id
      AND k.user_id = p.id AND k.source_id = 1;
    DELETE FROM user_claim k USING plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'drop'
      AND k.source_id = c.source_id AND k.key = p.key;
    INSERT INTO user_claim (source_id, key, user_id, active, fingerprint, reference, uid_reference, primary_group)
    SELECT c.source_id, p.key, p.id, p.claim_active, p.fingerprint, p.reference, p.uid_reference, p.primary_group FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set' ORDER BY p.key
    ON CONFLICT (source_id, key) DO UPDATE
    SET active = excluded.active, fingerprint = excluded.fingerprint, reference = excluded.reference, uid_reference = excluded.uid_reference,
        primary_group = excluded.primary_group, missing_since = NULL;
    SELECT count(*) INTO v_planned FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'miss';
    IF v_planned > 0 THEN
        UPDATE user_claim k SET missing_since = clock_timestamp() FROM plan_entity p
        WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'miss'
          AND k.source_id = c.source_id AND k.key = p.key AND k.missing_since IS NULL;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        PERFORM expect_rows('missing users', v_planned, v_done);
    END IF;
    -- Whoever states the profile from now on must state it anew.
    UPDATE user_claim k SET fingerprint = NULL FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'drop' AND k.user_id = p.id;
END $$;
COMMENT ON FUNCTION roster_private.apply_users IS 'Writes the planned users and their claims.';

CREATE FUNCTION roster_private.give_default_permissions(p_run_id bigint, p_iam_id integer, p_users bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_count bigint := cardinality(p_users) * (SELECT count(*) FROM default_permission d WHERE d.iam_id = p_iam_id);
BEGIN
    IF v_count > 0 THEN
        INSERT INTO user_permission (user_id, source_id, opened_no, opened_run, origin, permission)
        SELECT u.id, 1, n.first + row_number() OVER (ORDER BY u.id, d.permission COLLATE "C"), p_run_id, 'default', d.permission
        FROM unnest(p_users) u(id), default_permission d, (SELECT take_numbers(p_run_id, v_count) AS first OFFSET 0) n
        WHERE d.iam_id = p_iam_id;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.give_default_permissions IS 'Gives new users the default permissions of their identity manager, once.';

CREATE FUNCTION roster_private.apply_groups(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_planned bigint;
    v_first   integer;
    v_done    bigint;
BEGIN
    SELECT count(*) INTO v_planned FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.version IS NOT NULL AND p.op <> 'keep';
    IF v_planned > 0 THEN
        v_first := take_numbers(c.run_id, v_planned);
        UPDATE app_group g
        SET group_name_key = p.name_key,
            group_name = CASE p.op WHEN 'release' THEN g.group_name ELSE p.name END,
            external_id = CASE p.op WHEN 'release' THEN g.external_id ELSE p.external_id END,
            display_name = CASE p.op WHEN 'release' THEN g.display_name ELSE p.display_name END,
            profile = CASE p.op WHEN 'release' THEN g.profile ELSE p.profile END,
            active = CASE p.op WHEN 'release' THEN g.active ELSE p.active END,
            source_id = CASE p.op WHEN 'release' THEN g.source_id ELSE p.owner_id END,
            version = CASE p.op WHEN 'release' THEN g.version ELSE g.version + 1 END,
            opened_run = CASE p.op WHEN 'release' THEN g.opened_run ELSE c.run_id END,
            opened_no = CASE p.op WHEN 'release' THEN g.opened_no ELSE v_first + p.place END
        FROM (SELECT p.*, row_number() OVER (ORDER BY p.id) AS place FROM plan_entity p
              WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.version IS NOT NULL AND p.op <> 'keep') p
        WHERE g.group_id = p.id AND g.version = p.version;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        PERFORM expect_rows('groups', v_planned, v_done);
    END IF;

    SELECT count(*) INTO v_planned FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.version IS NULL;
    IF v_planned > 0 THEN
        v_first := take_numbers(c.run_id, v_planned);
        INSERT INTO app_group (group_id, iam_id, source_id, group_name, group_name_key, external_id, display_name, profile,
                               active, created_run, opened_run, opened_no)
        SELECT p.id, c.iam_id, c.source_id, p.name, p.name_key, p.external_id, p.display_name, coalesce(p.profile, '{}'),
               p.active, c.run_id, c.run_id, v_first + row_number() OVER (ORDER BY p.id)
        FROM plan_entity p
        WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.version IS NULL;
    END IF;

    DELETE FROM group_claim k USING plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set' AND p.owner_id = c.source_id
      AND k.group_id = p.id AND k.source_id = 1;
    DELETE FROM group_claim k USING plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'drop'
      AND k.source_id = c.source_id AND k.key = p.key;
    INSERT INTO group_claim (source_id, key, group_id, active, fingerprint, reference)
    SELECT c.source_id, p.key, p.id, true, p.fingerprint, p.reference FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set' ORDER BY p.key
    ON CONFLICT (source_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, reference = excluded.reference;
    UPDATE group_claim k SET fingerprint = NULL FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'drop' AND k.group_id = p.id;
    -- A group that was not staged may list its leaving member still, and must say so again for the member's return; so must
    -- one that is no longer a user's primary group.
    UPDATE group_claim k SET fingerprint = NULL
    FROM plan_edge e
    WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.op = 'remove' AND k.source_id = c.source_id AND k.group_id = e.group_id
      AND NOT EXISTS (SELECT FROM plan_entity g WHERE g.slot = c.slot AND g.run_id = c.run_id AND g.kind = 'group' AND g.id = e.group_id);
END $$;
COMMENT ON FUNCTION roster_private.apply_groups IS 'Writes the planned groups and their claims.';

CREATE FUNCTION roster_private.apply_values(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_kind    text;
    v_op      text;
    v_planned bigint;
    v_done    bigint;
    v_first   integer;
BEGIN
    FOR v_kind, v_op, v_planned IN
        SELECT v.kind, v.op, count(*) FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id
        GROUP BY v.kind, v.op ORDER BY v.op DESC
    LOOP
        IF v_op = 'remove' AND v_kind = 'user' THEN
            DELETE FROM user_attribute a USING plan_value v
            WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'user' AND v.op = 'remove'
              AND a.user_id = v.id AND a.name = v.name AND a.value = v.value AND a.source_id = c.source_id;
        ELSIF v_op = 'remove' AND v_kind = 'platform' THEN
            DELETE FROM platform_username a USING plan_value v
            WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'platform' AND v.op = 'remove'
              AND a.user_id = v.id AND a.platform = v.name AND a.platform_username = v.value AND a.source_id = c.source_id;
        ELSIF v_op = 'remove' THEN
            DELETE FROM group_attribute a USING plan_value v
            WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'group' AND v.op = 'remove'
              AND a.group_id = v.id AND a.name = v.name AND a.value = v.value AND a.source_id = c.source_id;
        ELSE
            v_first := take_numbers(c.run_id, v_planned);
            IF v_kind = 'user' THEN
                INSERT INTO user_attribute (user_id, source_id, opened_no, opened_run, name, value)
                SELECT v.id, c.source_id, v_first + row_number() OVER (ORDER BY v.id), c.run_id, v.name, v.value
                FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'user' AND v.op = 'add';
            ELSIF v_kind = 'platform' THEN
                INSERT INTO platform_username (user_id, source_id, opened_no, opened_run, platform, state, platform_username)
                SELECT v.id, c.source_id, v_first + row_number() OVER (ORDER BY v.id), c.run_id, v.name, 'value', v.value
                FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'platform' AND v.op = 'add';
            ELSE
                INSERT INTO group_attribute (group_id, source_id, opened_no, opened_run, name, value)
                SELECT v.id, c.source_id, v_first + row_number() OVER (ORDER BY v.id), c.run_id, v.name, v.value
                FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'group' AND v.op = 'add';
            END IF;
        END IF;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        PERFORM expect_rows(CASE v_kind WHEN 'platform' THEN 'platform usernames' ELSE v_kind || ' attributes' END || ' to ' || v_op, v_planned, v_done);
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.apply_values IS 'Writes the planned attribute values and platform usernames.';

CREATE FUNCTION roster_private.apply_edges(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_kind    text;
    v_op      text;
    v_planned bigint;
    v_done    bigint;
    v_first   integer;
BEGIN
    FOR v_kind, v_op, v_planned IN
        SELECT e.kind, e.op, count(*) FROM plan_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id
        GROUP BY e.kind, e.op ORDER BY e.op DESC
    LOOP
        IF v_op = 'remove' AND v_kind = 'user' THEN
            DELETE FROM membership m USING plan_edge e
            WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.op = 'remove'
              AND m.user_id = e.member_id AND m.group_id = e.group_id AND m.source_id = c.source_id;
        ELSIF v_op = 'remove' THEN
            DELETE FROM nesting n USING plan_edge e
            WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'group' AND e.op = 'remove'
              AND n.parent_id = e.group_id AND n.child_id = e.member_id AND n.source_id = c.source_id;
        ELSE
            v_first := take_numbers(c.run_id, v_planned);
            IF v_kind = 'user' THEN
                INSERT INTO membership (user_id, group_id, source_id, opened_no, opened_run)
                SELECT e.member_id, e.group_id, c.source_id, v_first + row_number() OVER (ORDER BY e.member_id, e.group_id), c.run_id
                FROM plan_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.op = 'add';
            ELSE
                INSERT INTO nesting (parent_id, child_id, source_id, opened_no, opened_run)
                SELECT e.group_id, e.member_id, c.source_id, v_first + row_number() OVER (ORDER BY e.group_id, e.member_id), c.run_id
                FROM plan_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'group' AND e.op = 'add';
            END IF;
        END IF;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        PERFORM expect_rows(edge_kind(v_kind) || 's to ' || v_op, v_planned, v_done);
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.apply_edges IS 'Writes the planned memberships and nestings.';

CREATE FUNCTION roster_private.planned_seeds(c roster_private.plan_context) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(s.id), '{}') FROM (
        SELECT p.id FROM plan_entity p
        WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.op IN ('add', 'remove')
        UNION
        SELECT e.member_id FROM plan_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'group') s);
END $$;
COMMENT ON FUNCTION roster_private.planned_seeds IS 'Groups from which a plan changes what is inherited.';
