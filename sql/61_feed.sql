-- The change feed as the daemon reads it: for one identity manager at a time.

CREATE FUNCTION roster_private.feed_head() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    -- A standby has what its primary has numbered.
    IF NOT pg_is_in_recovery() THEN
        PERFORM number_changes();
    END IF;
    RETURN coalesce((SELECT r.first_change_id + r.changes - 1 FROM run r WHERE r.first_change_id IS NOT NULL
                     ORDER BY r.first_change_id DESC LIMIT 1), 0);
END $$;
COMMENT ON FUNCTION roster_private.feed_head IS 'Numbers what is not numbered yet, and returns the highest change number.';

CREATE TYPE roster_private.feed_page AS (next bigint, is_end boolean, lines text[]);
COMMENT ON TYPE roster_private.feed_page IS 'Changes as JSON objects; next = where to go on, is_end = nothing more is numbered.';

CREATE FUNCTION roster_private.feed_page(iam_id integer, after bigint, count integer, kinds text[] DEFAULT NULL) RETURNS roster_private.feed_page
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET timezone = 'UTC' SET jit = off
    AS $$
DECLARE
    v_page    feed_page := ROW(feed_page.after, false, '{}');
    v_piece   feed_piece;
    v_lines   text[];
    -- What is passed over costs time as well: no call reads more than this, whatever it finds.
    v_to_read bigint := 10000;
BEGIN
    IF NOT pg_is_in_recovery() THEN
        PERFORM number_changes();
    END IF;
    LOOP
        v_piece := feed_piece(v_page.next, feed_page.count - cardinality(v_page.lines), feed_page.iam_id);
        v_page.is_end := v_piece.upto IS NULL;
        EXIT WHEN v_page.is_end;
        SELECT array_agg(row_to_json(l)::text ORDER BY l.change_id) INTO v_lines
        FROM (SELECT e.change_id, e.changed_at, e.actor, e.source, e.run_id, e.change, e.kind, e.iam, e.subject, e.name, e.before, e.after
              FROM feed_rows(v_piece.run_ids, v_piece.first_no, v_piece.last_no) e
              WHERE e.iam_id = feed_page.iam_id AND (feed_page.kinds IS NULL OR e.kind = ANY (feed_page.kinds))) l;
        v_page.lines := v_page.lines || v_lines;
        v_page.next := v_piece.upto;
        v_to_read := v_to_read - v_piece.numbers;
        EXIT WHEN cardinality(v_page.lines) >= feed_page.count OR v_to_read <= 0;
    END LOOP;
    RETURN v_page;
END $$;
COMMENT ON FUNCTION roster_private.feed_page IS 'Numbers what is not numbered yet, and returns up to count changes of an identity manager with change_id > after, of these kinds (NULL: all), in order. next moves on past the changes of others; an answer without changes is not the end unless is_end says so.';

CREATE TYPE roster_private.feed_lag AS (last_change_id bigint, unnumbered_runs bigint, lag_seconds double precision);
COMMENT ON TYPE roster_private.feed_lag IS 'How far the numbering of the feed is behind: highest number given, runs that wait for theirs, age of the oldest of them (0: none).';

CREATE FUNCTION roster_private.feed_lag() RETURNS roster_private.feed_lag
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT coalesce((SELECT r.first_change_id + r.changes - 1 FROM run r WHERE r.first_change_id IS NOT NULL
                     ORDER BY r.first_change_id DESC LIMIT 1), 0),
           count(*), coalesce(extract(epoch FROM clock_timestamp() - min(r.at)), 0)::float8
    FROM run r WHERE r.first_change_id IS NULL AND r.at IS NOT NULL AND r.changes > 0
$$;
COMMENT ON FUNCTION roster_private.feed_lag IS 'How far the numbering of the feed is behind.';
