-- Questions about the whole.

CREATE TYPE roster.change AS (
    change_id bigint, changed_at timestamptz, actor text, source text, run_id bigint, change text, kind text, iam text,
    subject text, name text, before jsonb, after jsonb);
COMMENT ON TYPE roster.change IS 'A row of roster.changes.';

-- Reading the feed. Facts have no index over all change numbers, but each is found by its run and its ordinal in it: the feed is
-- read in pieces, each of whole runs, or of a stretch of one run that is too large for the answer.
CREATE TYPE roster_private.feed_piece AS (run_ids bigint[], first_no integer, last_no integer, upto bigint, numbers bigint);
COMMENT ON TYPE roster_private.feed_piece IS 'What to read next: the ordinals first_no to last_no of these runs (NULL: nothing of interest); upto = the last change number that is read or passed over with it (NULL: the end of the feed), numbers = how many are read.';

CREATE FUNCTION roster_private.feed_piece(p_after bigint, p_count bigint, p_iam_id integer) RETURNS roster_private.feed_piece
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_piece feed_piece;
    v_run   record;
    v_from  integer;
BEGIN
    v_piece.first_no := 1;
    v_piece.last_no := 2147483647;
    v_piece.numbers := 0;
    FOR v_run IN
        SELECT r.run_id, r.first_change_id - 1 AS before, r.changes,
               -- A source's run is about its own identity manager; what else a single call concerns, its changes tell.
               NOT r.single AND p_iam_id <> ALL (r.iam_ids) AS is_foreign
        FROM run r
        WHERE r.first_change_id >= coalesce((SELECT max(o.first_change_id) FROM run o WHERE o.first_change_id <= p_after + 1), 1)
        ORDER BY r.first_change_id LIMIT p_count + 1
    LOOP
        v_from := greatest(p_after - v_run.before, 0) + 1;
        CONTINUE WHEN v_from > v_run.changes;
        IF v_run.is_foreign THEN
            v_piece.upto := v_run.before + v_run.changes;
            CONTINUE;
        END IF;
        IF v_piece.numbers = 0 AND (v_from > 1 OR v_run.changes > p_count) THEN
            v_piece.numbers := least(v_run.changes - v_from + 1, p_count);
            v_piece.run_ids := ARRAY[v_run.run_id];
            v_piece.first_no := v_from;
            v_piece.last_no := v_from + v_piece.numbers - 1;
            v_piece.upto := v_run.before + v_piece.last_no;
            RETURN v_piece;
        END IF;
        EXIT WHEN v_piece.numbers + v_run.changes > p_count;
        v_piece.run_ids := v_piece.run_ids || v_run.run_id;
        v_piece.numbers := v_piece.numbers + v_run.changes;
        v_piece.upto := v_run.before + v_run.changes;
    END LOOP;
    RETURN v_piece;
END $$;
COMMENT ON FUNCTION roster_private.feed_piece IS 'What to read after a change number: at most p_count numbers, without the runs of sources of other identity managers than p_iam_id (NULL: all).';

CREATE TYPE roster_private.feed_row AS (
    change_id bigint, changed_at timestamptz, actor text, source text, run_id bigint, change text, kind text, iam text,
    subject text, name text, before jsonb, after jsonb, iam_id integer, of_run bigint, no integer, user_id bigint, group_id bigint);
COMMENT ON TYPE roster_private.feed_row IS 'A change as roster.change has it, with the ids behind the names; of_run = the run, also of single calls.';

-- However large the tables were when the plan was made: every step is a look-up by run and ordinal, or by id.
CREATE FUNCTION roster_private.feed_rows(p_run_ids bigint[], p_first integer, p_last integer) RETURNS SETOF roster_private.feed_row
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET max_parallel_workers_per_gather = 0
    AS $$
BEGIN
    RETURN QUERY
    SELECT r.first_change_id + e.no - 1, coalesce(r.at, r.begun), r.actor, s.source, CASE WHEN NOT r.single THEN r.run_id END,
           e.change, e.kind, i.iam, coalesce(e.subject, g.group_name, u.username),
           coalesce(e.name, CASE e.kind WHEN 'membership' THEN u.username WHEN 'nesting' THEN c.group_name END), e.before, e.after,
           i.iam_id, r.run_id, e.no, e.user_id, e.group_id
    FROM stated_event e JOIN run r ON r.run_id = e.run_id
    LEFT JOIN LATERAL (SELECT n.iam_id, n.username FROM app_user n WHERE n.user_id = e.user_id
                       UNION ALL SELECT h.iam_id, h.username FROM app_user_history h WHERE h.user_id = e.user_id AND h.ended LIMIT 1) u ON true
    LEFT JOIN LATERAL (SELECT n.iam_id, n.group_name FROM app_group n WHERE n.group_id = e.group_id
                       UNION ALL SELECT h.iam_id, h.group_name FROM app_group_history h WHERE h.group_id = e.group_id AND h.ended LIMIT 1) g ON true
    LEFT JOIN LATERAL (SELECT n.group_name FROM app_group n WHERE n.group_id = e.child_id
                       UNION ALL SELECT h.group_name FROM app_group_history h WHERE h.group_id = e.child_id AND h.ended LIMIT 1) c ON true
    LEFT JOIN source s ON s.source_id = e.source_id
    LEFT JOIN iam i ON i.iam_id = coalesce(e.iam_id, g.iam_id, u.iam_id)
    WHERE e.run_id = ANY (p_run_ids) AND e.no BETWEEN p_first AND p_last
    ORDER BY r.first_change_id + e.no;
END $$;
COMMENT ON FUNCTION roster_private.feed_rows IS 'The changes p_first to p_last of these numbered runs, in order.';

CREATE FUNCTION roster.read_changes(after bigint DEFAULT 0, count integer DEFAULT 1000) RETURNS SETOF roster.change
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    -- NULL would compare with nothing and look like the end of the feed.
    v_after bigint := coalesce(read_changes.after, 0);
    v_left  bigint := coalesce(read_changes.count, 1000);
    v_piece feed_piece;
    v_found bigint;
BEGIN
    PERFORM number_changes();
    WHILE v_left > 0 LOOP
        v_piece := feed_piece(v_after, v_left, NULL);
        EXIT WHEN v_piece.upto IS NULL;
        RETURN QUERY
        SELECT e.change_id, e.changed_at, e.actor, e.source, e.run_id, e.change, e.kind, e.iam, e.subject, e.name, e.before, e.after
        FROM feed_rows(v_piece.run_ids, v_piece.first_no, v_piece.last_no) e;
        GET DIAGNOSTICS v_found = ROW_COUNT;
        -- Numbers have gaps: nothing in these runs does not mean nothing in the next.
        v_left := v_left - v_found;
        v_after := v_piece.upto;
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
