-- Guard: how much a run may take away.

CREATE FUNCTION roster_private.guarded_kinds() RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT ARRAY['user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute'] $$;
COMMENT ON FUNCTION roster_private.guarded_kinds IS 'Kinds of change that a guard counts.';

CREATE FUNCTION roster_private.edge_kind(p_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT CASE p_kind WHEN 'user' THEN 'membership' ELSE 'nesting' END $$;
COMMENT ON FUNCTION roster_private.edge_kind IS 'Kind of change of an edge, by the kind of its member.';

-- A value that gives way to another of the same attribute is a change, not a loss.
CREATE FUNCTION roster_private.planned_removals(c roster_private.plan_context) RETURNS TABLE (kind text, removals bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT p.kind, count(*) FROM plan_entity p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op = 'remove' GROUP BY p.kind
    UNION ALL
    SELECT edge_kind(e.kind), count(*) FROM plan_edge e
    WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.op = 'remove' GROUP BY e.kind
    UNION ALL
    SELECT v.kind || '_attribute', sum(v.lost)::bigint
    FROM (SELECT a.kind, greatest(0, count(*) FILTER (WHERE a.op = 'remove') - count(*) FILTER (WHERE a.op = 'add')) AS lost
          FROM plan_value a WHERE a.slot = c.slot AND a.run_id = c.run_id AND a.kind <> 'platform'
            -- A first sync has nothing to lose.
            AND EXISTS (SELECT FROM plan_value r WHERE r.slot = c.slot AND r.run_id = c.run_id AND r.op = 'remove')
          GROUP BY a.kind, a.id, a.name) v
    GROUP BY v.kind;
END $$;
COMMENT ON FUNCTION roster_private.planned_removals IS 'Removals of a plan per kind, as the guard counts them.';

-- Counting stops at p_enough: more than that is all the guard needs to know. From the claims to what is stated about the claimed,
-- one index look-up each (in the order of the index), so that counting a few looks at few; other sources state about users whom they do not claim.
CREATE FUNCTION roster_private.owned_facts(p_source_id integer, p_kind text, p_enough bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_claims boolean := EXISTS (SELECT FROM source s WHERE s.source_id = p_source_id AND s.kind = 'ldap');
BEGIN
    RETURN CASE
        WHEN p_kind = 'user' THEN
            (SELECT count(*) FROM (
                SELECT FROM user_claim k
                CROSS JOIN LATERAL (SELECT u.active FROM app_user u WHERE u.user_id = k.user_id OFFSET 0) u
                WHERE k.source_id = p_source_id AND u.active ORDER BY k.key LIMIT p_enough) f)
        WHEN p_kind = 'group' THEN
            (SELECT count(*) FROM (SELECT FROM group_claim k WHERE k.source_id = p_source_id ORDER BY k.key LIMIT p_enough) f)
        WHEN p_kind = 'membership' AND v_claims THEN
            (SELECT count(*) FROM (
                SELECT FROM group_claim k
                CROSS JOIN LATERAL (SELECT FROM membership m WHERE m.group_id = k.group_id AND m.source_id = p_source_id OFFSET 0) m
                WHERE k.source_id = p_source_id ORDER BY k.key LIMIT p_enough) f)
        WHEN p_kind = 'membership' THEN
            (SELECT count(*) FROM (SELECT FROM membership m WHERE m.source_id = p_source_id LIMIT p_enough) f)
        WHEN p_kind = 'nesting' AND v_claims THEN
            (SELECT count(*) FROM (
                SELECT FROM group_claim k
                CROSS JOIN LATERAL (SELECT FROM nesting n WHERE n.parent_id = k.group_id AND n.source_id = p_source_id OFFSET 0) n
                WHERE k.source_id = p_source_id ORDER BY k.key LIMIT p_enough) f)
        WHEN p_kind = 'nesting' THEN
            (SELECT count(*) FROM (SELECT FROM nesting n WHERE n.source_id = p_source_id LIMIT p_enough) f)
        WHEN p_kind = 'user_attribute' AND v_claims THEN
            (SELECT count(*) FROM (
                SELECT FROM user_claim k
                CROSS JOIN LATERAL (SELECT FROM user_attribute a WHERE a.user_id = k.user_id AND a.source_id = p_source_id OFFSET 0) a
                WHERE k.source_id = p_source_id ORDER BY k.key LIMIT p_enough) f)
        WHEN p_kind = 'user_attribute' THEN
            (SELECT count(*) FROM (SELECT FROM user_attribute a WHERE a.source_id = p_source_id LIMIT p_enough) f)
        WHEN p_kind = 'group_attribute' AND v_claims THEN
            (SELECT count(*) FROM (
                SELECT FROM group_claim k
                CROSS JOIN LATERAL (SELECT FROM group_attribute a WHERE a.group_id = k.group_id AND a.source_id = p_source_id OFFSET 0) a
                WHERE k.source_id = p_source_id ORDER BY k.key LIMIT p_enough) f)
        ELSE (SELECT count(*) FROM (SELECT FROM group_attribute a WHERE a.source_id = p_source_id LIMIT p_enough) f) END;
END $$;
COMMENT ON FUNCTION roster_private.owned_facts IS 'How many facts of a kind a source owns, counted up to p_enough.';

-- Many small runs must not take away what one large run may not.
CREATE FUNCTION roster_private.recent_removals(c roster_private.plan_context) RETURNS TABLE (kind text, removals bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT n.key, greatest(sum(n.value::bigint), 0)::bigint
    FROM sync_run o CROSS JOIN LATERAL jsonb_each_text(o.removals) n
    WHERE o.source_id = c.source_id AND o.removals IS NOT NULL AND o.finished_at > clock_timestamp() - interval '1 hour'
      AND (SELECT r.complete FROM sync_run r WHERE r.run_id = c.run_id) IS FALSE
    GROUP BY n.key;
END $$;
COMMENT ON FUNCTION roster_private.recent_removals IS 'What runs of the last hour that read a part took away more than they added, for a run that reads a part: since the last that read everything or was let through.';

-- What comes and goes is no loss.
CREATE FUNCTION roster_private.planned_losses(c roster_private.plan_context) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(k.kind, coalesce(r.removals, 0) - coalesce(a.additions, 0))
            FROM unnest(guarded_kinds()) k(kind)
            LEFT JOIN planned_removals(c) r ON r.kind = k.kind
            LEFT JOIN (SELECT p.kind, count(*) AS additions FROM plan_entity p
                       WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op = 'add' GROUP BY p.kind
                       UNION ALL
                       SELECT edge_kind(e.kind), count(*) FROM plan_edge e
                       WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.op = 'add' GROUP BY e.kind
                       UNION ALL
                       SELECT v.kind || '_attribute', sum(greatest(v.gained, 0))::bigint
                       FROM (SELECT v.kind, count(*) FILTER (WHERE v.op = 'add') - count(*) FILTER (WHERE v.op = 'remove') AS gained
                             FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id GROUP BY v.kind, v.id, v.name) v
                       GROUP BY v.kind) a ON a.kind = k.kind
            WHERE coalesce(r.removals, 0) <> coalesce(a.additions, 0));
END $$;
COMMENT ON FUNCTION roster_private.planned_losses IS 'By kind, how many more a plan removes than it adds; NULL when nothing differs.';

CREATE FUNCTION roster_private.guard_verdict(c roster_private.plan_context) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_kind    text;
    v_now     bigint;
    v_before  bigint;
    v_lost    bigint;
    v_count   bigint;
    v_percent numeric;
    v_total   bigint;
    v_what    text;
    v_half    boolean;
    v_found   text[] := '{}';
BEGIN
    FOR v_kind, v_now, v_before, v_count, v_percent IN
        SELECT r.kind, r.removals, coalesce(o.removals, 0), coalesce(g.max_count, 50), coalesce(g.max_percent, 10)
        FROM planned_removals(c) r LEFT JOIN guard g ON g.source_id = c.source_id AND g.kind = r.kind
        LEFT JOIN recent_removals(c) o ON o.kind = r.kind
        WHERE r.removals > 0 ORDER BY r.kind COLLATE "C"
    LOOP
        v_lost := v_now + v_before;
        -- Few removals need few facts to be counted.
        v_total := v_before + owned_facts(c.source_id, v_kind,
            greatest(2 * v_lost, CASE WHEN v_lost > v_count THEN ceil(v_lost * 100 / greatest(v_percent, 0.001))::bigint ELSE 4 END) + 1);
        v_what := kind_plural(v_kind) || CASE WHEN v_before > 0 THEN format(' (%s of them by runs of the last hour)', v_before) ELSE '' END;
        -- Of the runs before, only what is many counts here: a handful of changes in a small directory is daily work.
        v_half := v_now >= v_total - v_before OR v_total - v_before >= 4 AND v_now * 2 > v_total - v_before
                  OR v_before > 0 AND v_lost > v_count AND v_lost * 2 > v_total;
        IF v_half THEN
            v_found := v_found || format('%s of %s %s would be removed: all or more than half is never taken without an override',
                                         v_lost, v_total, v_what);
        ELSIF v_lost > v_count AND v_lost > v_total * v_percent / 100 THEN
            v_found := v_found || format('%s %s would be removed: more than %s and more than %s %%',
                                         v_lost, v_what, v_count, trim_scale(v_percent));
        END IF;
    END LOOP;
    RETURN nullif(array_to_string(v_found, '; '), '');
END $$;
COMMENT ON FUNCTION roster_private.guard_verdict IS 'NULL when a plan may be applied, else a sentence for each limit that it passes.';

CREATE FUNCTION roster_private.kind_plural(p_kind text) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT replace(p_kind, '_', ' ') || 's' $$;
COMMENT ON FUNCTION roster_private.kind_plural IS 'A kind of change as people say it.';
