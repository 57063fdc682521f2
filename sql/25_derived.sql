-- What is derived from nestings and group attributes, per group. A change costs what lies below it, never the
-- number of users.

CREATE FUNCTION roster_private.groups_below(p_groups bigint[]) RETURNS bigint[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    WITH RECURSIVE below(group_id) AS (
        SELECT unnest(p_groups)
        UNION
        SELECT n.child_id FROM below b JOIN nesting n ON n.parent_id = b.group_id
    )
    SELECT coalesce(array_agg(b.group_id), '{}') FROM below b
$$;
COMMENT ON FUNCTION roster_private.groups_below IS 'The groups given and everything nested in them, at any depth.';

-- Seeds are the children of changed nestings and the groups that came, went or woke up: whoever could reach a changed
-- edge before or can now lies below one of them.
CREATE FUNCTION roster_private.refresh_groups(p_seeds bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_groups bigint[] := groups_below(p_seeds);
    v_depth  integer := 0;
BEGIN
    IF cardinality(v_groups) = 0 THEN
        RETURN;
    END IF;
    DELETE FROM group_closure c WHERE c.group_id = ANY (v_groups);
    DELETE FROM group_effective e WHERE e.group_id = ANY (v_groups);
    INSERT INTO group_closure (group_id, ancestor_id, depth, via_id)
    SELECT g.group_id, g.group_id, 0, g.group_id FROM app_group g
    WHERE g.group_id = ANY (v_groups) AND g.active ORDER BY g.group_id;
    -- One step up at a time: what is there already was reached on a shorter way, so cycles end and depths are least.
    LOOP
        INSERT INTO group_closure (group_id, ancestor_id, depth, via_id)
        SELECT c.group_id, n.parent_id, v_depth + 1, min(CASE WHEN v_depth = 0 THEN n.parent_id ELSE c.via_id END)
        FROM group_closure c
        JOIN nesting n ON n.child_id = c.ancestor_id
        JOIN app_group p ON p.group_id = n.parent_id AND p.active
        WHERE c.group_id = ANY (v_groups) AND c.depth = v_depth
        GROUP BY c.group_id, n.parent_id
        ON CONFLICT DO NOTHING;
        EXIT WHEN NOT FOUND;
        v_depth := v_depth + 1;
    END LOOP;
    INSERT INTO group_effective (group_id, carrier_id, depth, source_id, opened_run, valid_from, valid_until, name, value)
    SELECT c.group_id, c.ancestor_id, c.depth, a.source_id, a.opened_run, a.valid_from, a.valid_until, a.name, a.value
    FROM group_closure c JOIN group_attribute a ON a.group_id = c.ancestor_id
    WHERE c.group_id = ANY (v_groups) ORDER BY c.group_id, a.name;
END $$;
COMMENT ON FUNCTION roster_private.refresh_groups IS 'Derives closure and effective attributes anew for the groups given and all below them.';

CREATE FUNCTION roster_private.refresh_group_attributes(p_carriers bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    IF cardinality(p_carriers) = 0 THEN
        RETURN;
    END IF;
    -- Only what differs is written: a group of a thousand children loses one value, not all of them for a moment.
    DELETE FROM group_effective e
    WHERE e.carrier_id = ANY (p_carriers)
      AND NOT EXISTS (SELECT FROM group_attribute a
                      WHERE a.group_id = e.carrier_id AND a.name = e.name AND a.value = e.value
                        AND a.source_id = e.source_id AND a.opened_run = e.opened_run
                        AND a.valid_from IS NOT DISTINCT FROM e.valid_from
                        AND a.valid_until IS NOT DISTINCT FROM e.valid_until);
    INSERT INTO group_effective (group_id, carrier_id, depth, source_id, opened_run, valid_from, valid_until, name, value)
    SELECT c.group_id, c.ancestor_id, c.depth, a.source_id, a.opened_run, a.valid_from, a.valid_until, a.name, a.value
    FROM group_attribute a JOIN group_closure c ON c.ancestor_id = a.group_id
    WHERE a.group_id = ANY (p_carriers)
    ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION roster_private.refresh_group_attributes IS 'Derives effective attributes anew for what the groups given carry.';

CREATE FUNCTION roster_private.group_path(p_group_id bigint, p_ancestor_id bigint) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    WITH RECURSIVE step(group_id, n) AS (
        SELECT p_group_id, 0
        UNION ALL
        SELECT c.via_id, s.n + 1 FROM step s
        JOIN group_closure c ON c.group_id = s.group_id AND c.ancestor_id = p_ancestor_id AND c.depth > 0
    )
    SELECT array_agg(g.group_name ORDER BY s.n) FROM step s JOIN app_group g USING (group_id)
$$;
COMMENT ON FUNCTION roster_private.group_path IS 'Group names on one shortest way from a group up to one that it is in, both included.';
