-- Questions about the whole.

CREATE TYPE roster.change AS (
    change_id bigint, changed_at timestamptz, actor text, source text, run_id bigint, change text, kind text, iam text,
    subject text, name text, before jsonb, after jsonb);
COMMENT ON TYPE roster.change IS 'A row of roster.changes.';

CREATE FUNCTION roster.read_changes(after bigint DEFAULT 0, count integer DEFAULT 1000) RETURNS SETOF roster.change
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_runs  bigint[];
    v_first bigint;
    v_found bigint;
BEGIN
    -- NULL would compare with nothing and look like the end of the feed.
    read_changes.after := coalesce(read_changes.after, 0);
    read_changes.count := coalesce(read_changes.count, 1000);
    PERFORM number_changes();
    SELECT max(r.first_change_id) INTO v_first FROM run r WHERE r.first_change_id <= read_changes.after + 1;
    LOOP
        -- Only the runs that the answer needs: facts have no index over all change numbers.
        SELECT array_agg(n.run_id), max(n.first_change_id) + 1 INTO v_runs, v_first FROM (
            SELECT r.run_id, r.first_change_id, sum(r.changes) OVER (ORDER BY r.first_change_id) - r.changes AS before
            FROM run r WHERE r.first_change_id >= coalesce(v_first, 1)) n
        WHERE n.before < greatest(read_changes.count, 1);
        EXIT WHEN v_runs IS NULL;
        RETURN QUERY
        SELECT r.first_change_id + e.no - 1, coalesce(r.at, r.begun), r.actor, s.source, CASE WHEN NOT r.single THEN r.run_id END,
               e.change, e.kind, i.iam, e.subject, e.name, e.before, e.after
        FROM event e JOIN run r ON r.run_id = e.run_id
        LEFT JOIN source s ON s.source_id = e.source_id LEFT JOIN iam i ON i.iam_id = e.iam_id
        WHERE e.run_id = ANY (v_runs) AND r.first_change_id + e.no - 1 > read_changes.after
        ORDER BY r.first_change_id + e.no LIMIT read_changes.count;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        -- Numbers have gaps: nothing in these runs does not mean nothing in the next.
        EXIT WHEN v_found > 0 OR read_changes.count < 1;
    END LOOP;
END $$;
COMMENT ON FUNCTION roster.read_changes IS 'Numbers what is not numbered yet and returns up to count changes with change_id > after, in order. Pass the last change_id of one answer as after of the next: nothing is missed, numbers may have gaps. Commit before you store the cursor: numbers given in a transaction that is rolled back are given anew. Keep the transaction short: numbering waits for it.';

-- Every line is a row of text; sums of two independent hashes need no sort of the whole.
CREATE FUNCTION roster.snapshot_hash(iam text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    SET timezone = 'UTC' SET datestyle = 'ISO, YMD'
    AS $$
DECLARE
    v_iam_id integer := CASE WHEN snapshot_hash.iam IS NOT NULL THEN (find_iam(snapshot_hash.iam)).iam_id END;
    v_hash   text;
BEGIN
    SELECT md5(count(*) || ' ' || coalesce(sum(hashtextextended(l.line, 1)::numeric), 0) || ' ' || coalesce(sum(hashtextextended(l.line, 2)::numeric), 0))
    INTO v_hash
    FROM (
        SELECT ROW('user', i.iam, u.username, u.external_id, u.display_name, u.email, u.profile)::text AS line
        FROM app_user u JOIN iam i USING (iam_id) WHERE u.active AND (v_iam_id IS NULL OR u.iam_id = v_iam_id)
        UNION ALL
        SELECT ROW('group', i.iam, g.group_name, g.external_id, g.display_name, g.profile)::text
        FROM app_group g JOIN iam i USING (iam_id) WHERE g.active AND (v_iam_id IS NULL OR g.iam_id = v_iam_id)
        UNION ALL
        SELECT ROW('membership', i.iam, g.group_name, u.username, m.valid_from, m.valid_until)::text
        FROM (SELECT DISTINCT m.user_id, m.group_id, m.valid_from, m.valid_until FROM membership m) m
        JOIN app_user u USING (user_id) JOIN app_group g USING (group_id) JOIN iam i ON i.iam_id = g.iam_id
        WHERE u.active AND g.active AND (v_iam_id IS NULL OR g.iam_id = v_iam_id)
        UNION ALL
        SELECT ROW('nesting', i.iam, g.group_name, h.group_name)::text
        FROM (SELECT DISTINCT n.parent_id, n.child_id FROM nesting n) n
        JOIN app_group g ON g.group_id = n.parent_id JOIN app_group h ON h.group_id = n.child_id JOIN iam i ON i.iam_id = g.iam_id
        WHERE g.active AND h.active AND (v_iam_id IS NULL OR g.iam_id = v_iam_id)
        UNION ALL
        SELECT ROW('user_attribute', i.iam, u.username, a.name, a.value, a.valid_from, a.valid_until)::text
        FROM (SELECT DISTINCT a.user_id, a.name, a.value, a.valid_from, a.valid_until FROM user_attribute a) a
        JOIN app_user u USING (user_id) JOIN iam i USING (iam_id)
        WHERE u.active AND (v_iam_id IS NULL OR u.iam_id = v_iam_id)
        UNION ALL
        SELECT ROW('group_attribute', i.iam, g.group_name, a.name, a.value, a.valid_from, a.valid_until)::text
        FROM (SELECT DISTINCT a.group_id, a.name, a.value, a.valid_from, a.valid_until FROM group_attribute a) a
        JOIN app_group g USING (group_id) JOIN iam i USING (iam_id)
        WHERE g.active AND (v_iam_id IS NULL OR g.iam_id = v_iam_id)
        UNION ALL
        -- What is derived counts too: it must follow from the facts, and the hash notices when it does not.
        SELECT ROW('inherited', i.iam, g.group_name, h.group_name, e.depth, e.name, e.value)::text
        FROM (SELECT DISTINCT e.group_id, e.carrier_id, e.depth, e.name, e.value FROM group_effective e) e
        JOIN app_group g ON g.group_id = e.group_id JOIN app_group h ON h.group_id = e.carrier_id JOIN iam i ON i.iam_id = g.iam_id
        WHERE v_iam_id IS NULL OR g.iam_id = v_iam_id
    ) l;
    RETURN v_hash;
END $$;
COMMENT ON FUNCTION roster.snapshot_hash IS 'A digest of all that holds in an identity manager (NULL = in all): active users with profile, groups, memberships, nestings, attributes, inheritance. Independent of ids, times, sources and history: equal content, equal hash, also in another database.';
