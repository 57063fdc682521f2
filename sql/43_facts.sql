-- What fact sources state becomes a plan: entries are compared by one digest per user, and only those that differ, or
-- that mean somebody else than last time, are looked at row by row.

CREATE TYPE roster_private.fact_context AS (
    source text, iam text, salt uuid, exact boolean, match_by text, creates boolean, prefix text,
    per_user boolean, complete boolean, again boolean, first boolean);
COMMENT ON TYPE roster_private.fact_context IS 'What the steps below need to know of a fact source. exact: names compare with case; prefix ends with its dot; per_user: freshness is recorded per user; again: the configuration changed, so compare everything; first: the source has stated nothing yet.';

CREATE FUNCTION roster_private.config_digest(p_config jsonb) RETURNS uuid
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT md5((p_config - ARRAY['max_age', 'overlap', 'full_every', 'concurrency', 'timeout_seconds',
                                    'live', 'grace', 'overlap_seconds', 'page_size', 'allow_clear_text', 'bind_password'])::text)::uuid $$;
COMMENT ON FUNCTION roster_private.config_digest IS 'Digest of what in a configuration decides how entries are read and understood.';

CREATE FUNCTION roster_private.fact_context_of(c roster_private.plan_context, p_complete boolean) RETURNS roster_private.fact_context
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    f fact_context;
BEGIN
    INSERT INTO source_state (source_id) VALUES (c.source_id) ON CONFLICT DO NOTHING;
    SELECT s.source, i.iam, t.salt, CASE m.match_by WHEN 'username' THEN c.case_sensitive ELSE m.match_by <> 'email' END, m.match_by,
           coalesce((s.config ->> 'create_users')::boolean, false), coalesce(normalize(s.config ->> 'prefix', NFC) || '.', ''),
           s.kind <> 'table', coalesce(p_complete, false), t.config_digest IS DISTINCT FROM config_digest(s.config),
           NOT EXISTS (SELECT FROM user_link k WHERE k.source_id = c.source_id)
    INTO f
    FROM source s JOIN iam i USING (iam_id) JOIN source_state t USING (source_id)
    CROSS JOIN LATERAL (SELECT coalesce(s.config ->> 'match_by', 'username') AS match_by) m
    WHERE s.source_id = c.source_id;
    RETURN f;
END $$;
COMMENT ON FUNCTION roster_private.fact_context_of IS 'The fact source of a run; it gets its salt when it is first met.';

CREATE FUNCTION roster_private.complete_facts(run_id bigint, read bigint, facts bigint, complete boolean, cursor jsonb, note text DEFAULT NULL)
    RETURNS roster_private.run_report
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET plan_cache_mode = force_custom_plan
    AS $$
BEGIN
    PERFORM finish_facts(fence_run(complete_facts.run_id), complete_facts.read, complete_facts.facts, complete_facts.complete,
                         complete_facts.cursor, complete_facts.note);
    RETURN report_of(complete_facts.run_id);
END $$;
COMMENT ON FUNCTION roster_private.complete_facts IS 'Plans, guards and applies what a run of a fact source has staged in staged_fact, in this transaction. facts = how many rows were staged, which must agree; read = entries for the record, NULL = the rows; complete = what is not staged is gone; cursor = stored with the data.';

CREATE FUNCTION roster_private.finish_facts(p_run roster_private.sync_run, p_read bigint, p_facts bigint, p_complete boolean, p_cursor jsonb, p_note text)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    c         plan_context := run_context(p_run.run_id, p_run.slot);
    f         fact_context := fact_context_of(c, p_complete);
    v_staged  bigint;
    v_bad     bigint;
    v_differs boolean;
    v_verdict text;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE s.problem IS NOT NULL OR is_bad_fact(s.who, s.kind, s.name, f.prefix)) INTO v_staged, v_bad
    FROM staged_fact s WHERE s.slot = c.slot AND s.run_id = c.run_id;
    IF v_staged IS DISTINCT FROM p_facts THEN
        RAISE EXCEPTION 'staging of run % is incomplete: % rows are there, % were sent', c.run_id, v_staged, p_facts
            USING ERRCODE = 'data_corrupted', HINT = 'PostgreSQL may have restarted in between. Synchronise the source again.';
    END IF;
    UPDATE sync_run r SET read = coalesce(p_read, p_facts), message = p_note, cursor = p_cursor, complete = f.complete WHERE r.run_id = c.run_id;
    IF v_bad > 0 THEN
        PERFORM reject_facts(c, f);
    END IF;
    PERFORM compare_facts(c, f);
    v_differs := EXISTS (SELECT FROM staged_subject s WHERE s.slot = c.slot AND s.run_id = c.run_id
                         AND s.state NOT IN ('unknown', 'confirmed') AND NOT (s.state = 'twice' AND s.linked_id IS NULL));
    IF v_differs THEN
        PERFORM lock_iam(c.iam_id, true);
        PERFORM plan_facts(c, f);
        PERFORM count_plan(c);
        v_verdict := guard_verdict(c);
        v_differs := EXISTS (SELECT FROM plan_value v WHERE v.slot = c.slot AND v.run_id = c.run_id)
            OR EXISTS (SELECT FROM plan_entity e WHERE e.slot = c.slot AND e.run_id = c.run_id)
            OR EXISTS (SELECT FROM plan_edge e WHERE e.slot = c.slot AND e.run_id = c.run_id);
    END IF;
    INSERT INTO plan_link (slot, run_id, op, key, user_id, etag)
    SELECT c.slot, c.run_id, 'confirm', s.key, s.linked_id, s.etag FROM staged_subject s
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.state = 'confirmed';
    PERFORM quarantine_subjects(c, f);
    PERFORM conclude_run(c, v_differs, v_verdict);
END $$;
COMMENT ON FUNCTION roster_private.finish_facts IS 'The work of complete_facts, for a run that is the caller''s to complete.';

-- The first comparisons are cheap and settle almost every row.
CREATE FUNCTION roster_private.unusable_name(name text, prefix text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN name IS NULL THEN 'is NULL'
                WHEN (ascii(name) <= 32 OR ascii(name) = 160) AND roster_private.is_blank(name) THEN 'is empty'
                WHEN octet_length(name) + octet_length(prefix) > 300 AND octet_length(prefix || normalize(name, NFC)) > 1000
                THEN 'is longer than 1000 bytes' END;
COMMENT ON FUNCTION roster_private.unusable_name IS 'Why a name cannot be taken; NULL when it can.';

CREATE FUNCTION roster_private.is_bad_fact(who text, kind text, name text, prefix text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN roster_private.unusable_name(who, '') IS NOT NULL
        OR kind = 'attribute' AND roster_private.unusable_name(name, prefix) IS NOT NULL
        OR kind = 'group' AND roster_private.unusable_name(name, '') IS NOT NULL;
COMMENT ON FUNCTION roster_private.is_bad_fact IS 'Whether a staged row names no user, or no attribute or group, that could be taken.';

-- A row without a usable user or name is left out; the user's other rows hold.
CREATE FUNCTION roster_private.reject_facts(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
BEGIN
    WITH gone AS (
        DELETE FROM staged_fact s
        WHERE s.slot = c.slot AND s.run_id = c.run_id
          AND (s.problem IS NOT NULL AND s.kind <> 'kept' OR is_bad_fact(s.who, s.kind, s.name, f.prefix))
        RETURNING s.*
    )
    INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry)
    SELECT DISTINCT ON (1, 2, 3, 4) c.slot, c.run_id, CASE WHEN b.who_reason IS NOT NULL THEN 'user' WHEN g.kind = 'group' THEN 'membership' ELSE 'user_attribute' END,
           CASE WHEN b.who_reason IS NOT NULL THEN coalesce(left(g.who, 200), '') ELSE left(g.who, 200) || ' ' || coalesce(left(g.name, 200), '') END,
           coalesce('the user ' || b.who_reason, g.problem, 'the name of the ' || g.kind || ' ' || unusable_name(g.name, f.prefix)),
           jsonb_build_object('user', CASE WHEN b.who_reason IS NULL THEN g.who END, 'name', left(g.name, 200))
    FROM gone g CROSS JOIN LATERAL (SELECT unusable_name(g.who, '') AS who_reason OFFSET 0) b;

    INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry)
    SELECT DISTINCT ON (s.who) c.slot, c.run_id, 'user', s.who, s.problem, jsonb_build_object('user', s.who)
    FROM staged_fact s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'kept' AND s.problem IS NOT NULL;
END $$;
COMMENT ON FUNCTION roster_private.reject_facts IS 'Quarantines staged rows that name no user or no attribute.';


-- Where several have one e-mail address, active ones come first; if that leaves several, it is nobody's.
CREATE VIEW roster_private.user_match AS
SELECT 'username' AS match_by, u.iam_id, u.username_key AS key, u.user_id, u.active FROM roster_private.app_user u WHERE u.username_key IS NOT NULL
UNION ALL
SELECT 'external_id', u.iam_id, u.external_id, u.user_id, u.active FROM roster_private.app_user u WHERE u.external_id IS NOT NULL
UNION ALL
SELECT 'email', e.iam_id, e.key, min(e.user_id), bool_or(e.active)
FROM (SELECT a.iam_id, a.key, a.user_id, a.active, rank() OVER (PARTITION BY a.iam_id, a.key ORDER BY a.active DESC) AS place
      FROM (SELECT u.iam_id, roster_private.name_key(u.email, false) AS key, u.user_id, u.active
            FROM roster_private.app_user u WHERE u.email IS NOT NULL) a) e
WHERE e.place = 1 GROUP BY e.iam_id, e.key HAVING count(*) = 1;
COMMENT ON VIEW roster_private.user_match IS 'Whom a key means, by what entries of a source are matched with.';

CREATE FUNCTION roster_private.compare_facts(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    EXECUTE format('ANALYZE roster_private.%I', 'staged_fact_' || c.slot);
    IF f.complete THEN
        INSERT INTO staged_subject (slot, run_id, state, key, who, fingerprint, etag, linked_id)
        SELECT c.slot, c.run_id, j.state, j.key, j.who, j.fingerprint, j.etag, j.linked_id
        FROM (
            SELECT coalesce(g.key, k.key) AS key, g.who, g.fingerprint, g.etag, k.user_id AS linked_id,
                   subject_state(g.says, g.times, k.user_id, m.user_id, k.fingerprint = g.fingerprint AND NOT f.again, f.creates) AS state
            FROM (SELECT name_key(s.who, f.exact) AS key, min(s.who COLLATE "C") AS who,
                         fact_digest(f.salt, s.kind, s.name, s.value) FILTER (WHERE s.kind IN ('attribute', 'group') AND s.value IS NOT NULL OR s.kind = 'group') AS fingerprint,
                         max(s.value COLLATE "C") FILTER (WHERE s.kind = 'present') AS etag,
                         bit_or(fact_says(s.kind)) AS says, count(*) FILTER (WHERE s.kind = 'present') AS times
                  FROM staged_fact s WHERE s.slot = c.slot AND s.run_id = c.run_id GROUP BY 1) g
            FULL JOIN (SELECT l.* FROM user_link l WHERE l.source_id = c.source_id) k ON k.key = g.key
            LEFT JOIN user_match m ON m.match_by = f.match_by AND m.iam_id = c.iam_id AND m.key = g.key
                 AND (NOT f.creates OR m.active OR EXISTS (SELECT FROM user_claim o WHERE o.user_id = m.user_id))) j
        WHERE j.state <> '' AND (j.state <> 'confirmed' OR f.per_user);
    ELSE
        INSERT INTO staged_subject (slot, run_id, state, key, who, fingerprint, etag, linked_id)
        SELECT c.slot, c.run_id, j.state, j.key, j.who, j.fingerprint, j.etag, j.linked_id
        FROM (
            SELECT g.key, g.who, g.fingerprint, g.etag, k.user_id AS linked_id,
                   subject_state(g.says, g.times, k.user_id, m.user_id, k.fingerprint = g.fingerprint AND NOT f.again, f.creates) AS state
            FROM (SELECT name_key(s.who, f.exact) AS key, min(s.who COLLATE "C") AS who,
                         fact_digest(f.salt, s.kind, s.name, s.value) FILTER (WHERE s.kind IN ('attribute', 'group') AND s.value IS NOT NULL OR s.kind = 'group') AS fingerprint,
                         max(s.value COLLATE "C") FILTER (WHERE s.kind = 'present') AS etag,
                         bit_or(fact_says(s.kind)) AS says, count(*) FILTER (WHERE s.kind = 'present') AS times
                  FROM staged_fact s WHERE s.slot = c.slot AND s.run_id = c.run_id GROUP BY 1) g
            LEFT JOIN user_link k ON k.source_id = c.source_id AND k.key = g.key
            LEFT JOIN user_match m ON m.match_by = f.match_by AND m.iam_id = c.iam_id AND m.key = g.key
                 AND (NOT f.creates OR m.active OR EXISTS (SELECT FROM user_claim o WHERE o.user_id = m.user_id))) j
        WHERE j.state <> '' AND (j.state <> 'confirmed' OR f.per_user);
    END IF;
    EXECUTE format('ANALYZE roster_private.%I', 'staged_subject_' || c.slot);
END $$;
COMMENT ON FUNCTION roster_private.compare_facts IS 'Compares what is staged with what the source stated before, user by user, and keeps what needs a look.';

CREATE FUNCTION roster_private.fact_says(kind text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind WHEN 'attribute' THEN 1 WHEN 'group' THEN 1 WHEN 'present' THEN 1 WHEN 'touched' THEN 0 WHEN 'same' THEN 2 ELSE 4 END;
COMMENT ON FUNCTION roster_private.fact_says IS 'Kinds of staged facts as bits: 1 there is something, 2 unchanged, 4 could not be read.';

-- says NULL: no row at all.
CREATE FUNCTION roster_private.subject_state(says integer, times bigint, linked_id bigint, found_id bigint, equal boolean, creates boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN coalesce(says, 0) = 0 THEN CASE WHEN linked_id IS NOT NULL THEN 'gone' ELSE '' END
        WHEN times > 1 THEN 'twice'
        WHEN linked_id = found_id AND (says IN (2, 3) OR says = 1 AND equal) THEN 'confirmed'
        WHEN says > 1 THEN CASE WHEN linked_id IS NULL OR linked_id = found_id THEN '' ELSE 'kept' END
        WHEN linked_id IS NULL AND found_id IS NULL AND NOT creates THEN 'unknown'
        ELSE 'stated' END;
COMMENT ON FUNCTION roster_private.subject_state IS 'What becomes of an entry; empty = nothing to do. says as fact_says, over all rows of the entry.';

-- From here on nobody else changes users of the identity manager: who is meant is looked up once more.
CREATE FUNCTION roster_private.plan_facts(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    PERFORM plan_links(c, f);
    PERFORM plan_created_users(c, f);
    EXECUTE format('ANALYZE roster_private.%I', 'plan_link_' || c.slot);
    PERFORM plan_stated_values(c, f);
    -- Tables have no groups, and looking for them would read everything once more.
    IF f.per_user THEN
        PERFORM plan_stated_groups(c, f);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.plan_facts IS 'Fills the plan tables of a run of a fact source.';

CREATE FUNCTION roster_private.plan_links(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_link (slot, run_id, op, key, user_id, fingerprint, etag)
    SELECT c.slot, c.run_id, l.op, s.key, l.user_id, s.fingerprint, s.etag
    FROM staged_subject s
    LEFT JOIN user_match m ON m.match_by = f.match_by AND m.iam_id = c.iam_id AND m.key = s.key
         AND (NOT f.creates OR m.active OR EXISTS (SELECT FROM user_claim o WHERE o.user_id = m.user_id))
    CROSS JOIN LATERAL (
        SELECT 'set' AS op, m.user_id WHERE s.state = 'stated' AND m.user_id IS NOT NULL
        UNION ALL
        SELECT 'drop', s.linked_id WHERE s.linked_id IS NOT NULL AND (s.state = 'gone' OR m.user_id IS DISTINCT FROM s.linked_id)
) l
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.state NOT IN ('unknown', 'confirmed');

    -- Whoever is meant under another name now is not meant under the old one any more.
    IF NOT f.first THEN
        INSERT INTO plan_link (slot, run_id, op, key, user_id)
        SELECT c.slot, c.run_id, 'drop', k.key, k.user_id
        FROM plan_link p JOIN user_link k ON k.user_id = p.user_id AND k.source_id = c.source_id AND k.key <> p.key
        WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op = 'set'
          AND NOT EXISTS (SELECT FROM staged_subject s WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.key = k.key);
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.plan_links IS 'Plans whom each entry means.';

-- The key of a claim is that of the entry. A claim is held as long as its entry means that very user.
CREATE FUNCTION roster_private.plan_created_users(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    IF NOT f.creates AND NOT EXISTS (SELECT FROM user_claim k WHERE k.source_id = c.source_id) THEN
        RETURN;
    END IF;
    INSERT INTO staged_entity (slot, run_id, kind, present, key, external_id, name, email, profile, active)
    SELECT c.slot, c.run_id, 'user', w.present, s.claim_key, CASE f.match_by WHEN 'external_id' THEN normalize(s.who, NFC) END,
           normalize(s.who, NFC), CASE f.match_by WHEN 'email' THEN normalize(s.who, NFC) END, '{}', true
    FROM (SELECT t.*, subject_key(f.salt, 'user', t.key) AS claim_key FROM staged_subject t
          WHERE t.slot = c.slot AND t.run_id = c.run_id AND t.state IN ('stated', 'gone')) s
    LEFT JOIN plan_link l ON l.slot = c.slot AND l.run_id = c.run_id AND l.op = 'set' AND l.key = s.key
    LEFT JOIN user_claim k ON k.source_id = c.source_id AND k.key = s.claim_key
    LEFT JOIN app_user u ON u.user_id = k.user_id
    CROSS JOIN LATERAL (SELECT CASE
        WHEN k.user_id IS NULL THEN CASE WHEN s.state = 'stated' AND l.user_id IS NULL AND f.creates THEN true END
        WHEN s.state = 'gone' OR l.user_id <> k.user_id THEN false
        -- Renamed by another source: the entry lets go. An address that others have too is still this user's.
        WHEN l.user_id IS NULL THEN CASE WHEN f.match_by = 'email' AND name_key(u.email, false) = s.key THEN NULL ELSE false END
        WHEN u.source_id = c.source_id AND u.username <> normalize(s.who, NFC) THEN true END AS present) w
    WHERE w.present IS NOT NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM reject_unusable(c);
    EXECUTE format('ANALYZE roster_private.%I', 'staged_entity_' || c.slot);
    PERFORM plan_users(c);
    PERFORM settle_user_names(c);
    INSERT INTO plan_link (slot, run_id, op, key, user_id, fingerprint, etag)
    SELECT c.slot, c.run_id, 'set', s.key, p.id, s.fingerprint, s.etag
    FROM plan_entity p
    JOIN staged_subject s ON s.slot = c.slot AND s.run_id = c.run_id AND s.state = 'stated' AND subject_key(f.salt, 'user', s.key) = p.key
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'user' AND p.claim = 'set'
      AND NOT EXISTS (SELECT FROM plan_link l WHERE l.slot = c.slot AND l.run_id = c.run_id AND l.op = 'set' AND l.key = s.key);
END $$;
COMMENT ON FUNCTION roster_private.plan_created_users IS 'Plans the users that a source creates, and the end of those whose entries are gone.';

CREATE FUNCTION roster_private.subject_key(salt uuid, kind text, key text) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN roster_private.add_fact('00000000-0000-0000-0000-000000000000', salt, 'key of ' || kind, key, NULL);
COMMENT ON FUNCTION roster_private.subject_key IS 'The key under which a fact source claims a user or group.';

-- First all values that the looked-at entries state, then what the facts have beyond them, then what both have is taken out.
CREATE FUNCTION roster_private.plan_stated_values(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT DISTINCT c.slot, c.run_id, 'user', 'add', l.user_id,
           f.prefix || name_key(s.name, true) COLLATE "C", name_key(s.value, true) COLLATE "C"
    FROM staged_fact s
    JOIN plan_link l ON l.slot = c.slot AND l.run_id = c.run_id AND l.op = 'set' AND l.key = name_key(s.who, f.exact)
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'attribute' AND s.value IS NOT NULL;
    IF f.first THEN
        RETURN;
    END IF;
    EXECUTE format('ANALYZE roster_private.%I', 'plan_value_' || c.slot);

    INSERT INTO plan_value (slot, run_id, kind, op, id, name, value)
    SELECT c.slot, c.run_id, 'user', 'remove', a.user_id, a.name, a.value
    FROM (SELECT DISTINCT p.user_id FROM plan_link p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op <> 'confirm') l
    JOIN user_attribute a ON a.user_id = l.user_id AND a.source_id = c.source_id
    LEFT JOIN plan_value v ON v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'user' AND v.op = 'add'
                          AND v.id = a.user_id AND v.name = a.name AND v.value = a.value
    WHERE v.id IS NULL;
    DELETE FROM plan_value v USING user_attribute a
    WHERE v.slot = c.slot AND v.run_id = c.run_id AND v.kind = 'user' AND v.op = 'add'
      AND a.user_id = v.id AND a.name = v.name AND a.value = v.value AND a.source_id = c.source_id;
END $$;
COMMENT ON FUNCTION roster_private.plan_stated_values IS 'Plans the attribute values of the entries that differ.';

-- A group is that of its name; one that is not there is made, and stays when it is empty: the source never says that it is gone.
CREATE FUNCTION roster_private.plan_stated_groups(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO staged_entity (slot, run_id, kind, present, key, name, profile, active)
    SELECT c.slot, c.run_id, 'group', true, subject_key(f.salt, 'group', n.name), n.name, '{}', true
    FROM (SELECT DISTINCT name_key(s.name, true) COLLATE "C" AS name
          FROM staged_fact s
          JOIN plan_link l ON l.slot = c.slot AND l.run_id = c.run_id AND l.op = 'set' AND l.key = name_key(s.who, f.exact)
          WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'group') n
    WHERE NOT EXISTS (SELECT FROM app_group g WHERE g.iam_id = c.iam_id AND g.group_name_key = n.name AND g.active);
    IF FOUND THEN
        PERFORM plan_groups(c);
        PERFORM settle_group_names(c);
    END IF;

    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT DISTINCT c.slot, c.run_id, 'user', 'add', coalesce(p.id, g.group_id), l.user_id
    FROM staged_fact s
    JOIN plan_link l ON l.slot = c.slot AND l.run_id = c.run_id AND l.op = 'set' AND l.key = name_key(s.who, f.exact)
    LEFT JOIN plan_entity p ON p.slot = c.slot AND p.run_id = c.run_id AND p.kind = 'group' AND p.claim = 'set' AND p.name_key = name_key(s.name, true)
    LEFT JOIN app_group g ON p.id IS NULL AND g.iam_id = c.iam_id AND g.group_name_key = name_key(s.name, true) AND g.active
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.kind = 'group' AND coalesce(p.id, g.group_id) IS NOT NULL;
    IF f.first THEN
        RETURN;
    END IF;
    EXECUTE format('ANALYZE roster_private.%I', 'plan_edge_' || c.slot);

    INSERT INTO plan_edge (slot, run_id, kind, op, group_id, member_id)
    SELECT c.slot, c.run_id, 'user', 'remove', m.group_id, m.user_id
    FROM (SELECT DISTINCT p.user_id FROM plan_link p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op <> 'confirm') l
    JOIN membership m ON m.user_id = l.user_id AND m.source_id = c.source_id
    LEFT JOIN plan_edge e ON e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.op = 'add'
                         AND e.group_id = m.group_id AND e.member_id = m.user_id
    WHERE e.group_id IS NULL;
    DELETE FROM plan_edge e USING membership m
    WHERE e.slot = c.slot AND e.run_id = c.run_id AND e.kind = 'user' AND e.op = 'add'
      AND m.user_id = e.member_id AND m.group_id = e.group_id AND m.source_id = c.source_id;
END $$;
COMMENT ON FUNCTION roster_private.plan_stated_groups IS 'Plans the memberships of the entries that differ, and the groups that they need.';

CREATE FUNCTION roster_private.quarantine_subjects(c roster_private.plan_context, f roster_private.fact_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
BEGIN
    INSERT INTO staged_quarantine (slot, run_id, kind, key, reason, entry)
    SELECT c.slot, c.run_id, 'user', s.who,
           CASE WHEN s.state = 'twice' THEN 'the user is stated by several rows; leave one'
                WHEN f.match_by = 'username' THEN format('no user "%s" in identity manager "%s"', s.who, f.iam)
                WHEN f.match_by = 'email' THEN format('no user, or several, with e-mail address "%s" in identity manager "%s"', s.who, f.iam)
                ELSE format('no user with external id "%s" in identity manager "%s"', s.who, f.iam) END,
           jsonb_build_object('user', s.who)
    FROM staged_subject s
    -- Joined: below an OR, a look for each entry at all links could be what the planner makes of it.
    LEFT JOIN plan_link l ON l.slot = c.slot AND l.run_id = c.run_id AND l.op = 'set' AND l.key = s.key AND s.state = 'stated'
    WHERE s.slot = c.slot AND s.run_id = c.run_id AND s.state IN ('unknown', 'twice', 'stated') AND l.key IS NULL
      AND NOT EXISTS (SELECT FROM staged_quarantine q WHERE q.slot = c.slot AND q.run_id = c.run_id AND q.kind = 'user' AND q.key = normalize(s.who, NFC));
END $$;
COMMENT ON FUNCTION roster_private.quarantine_subjects IS 'Quarantines entries that mean nobody, and those that are stated several times.';

-- Apply ---------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.apply_links(c roster_private.plan_context) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET work_mem = '128MB'
    AS $$
DECLARE
    v_at   timestamptz;
    v_rows bigint;
BEGIN
    SELECT coalesce(r.started_at, r.queued_at) INTO v_at FROM sync_run r WHERE r.run_id = c.run_id;
    DELETE FROM user_link k USING plan_link p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op = 'drop' AND k.source_id = c.source_id AND k.key = p.key;
    -- Before the others come, whom the planner would not know of.
    UPDATE user_link k SET confirmed_at = v_at, etag = coalesce(p.etag, k.etag) FROM plan_link p
    WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op = 'confirm' AND k.source_id = c.source_id AND k.key = p.key;
    INSERT INTO user_link (source_id, key, user_id, fingerprint, etag, confirmed_at)
    SELECT c.source_id, p.key, p.user_id, p.fingerprint, p.etag, v_at
    FROM plan_link p WHERE p.slot = c.slot AND p.run_id = c.run_id AND p.op = 'set' ORDER BY p.key
    ON CONFLICT (source_id, key) DO UPDATE
    SET user_id = excluded.user_id, fingerprint = excluded.fingerprint, etag = excluded.etag, confirmed_at = excluded.confirmed_at;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    -- The next run may come before autovacuum, and would look at every link for every other.
    IF v_rows > 1000 THEN
        ANALYZE user_link;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.apply_links IS 'Writes the planned links of a fact source.';

CREATE FUNCTION roster_private.store_state(p_run_id bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    UPDATE source_state t
    SET cursor = r.cursor, confirmed_at = greatest(t.confirmed_at, r.started_at),
        config_digest = CASE WHEN r.complete THEN coalesce(r.config_digest, config_digest(s.config)) ELSE t.config_digest END,
        full_at = CASE WHEN r.complete THEN r.started_at ELSE t.full_at END
    FROM sync_run r JOIN source s USING (source_id)
    WHERE r.run_id = p_run_id AND r.complete IS NOT NULL AND t.source_id = r.source_id;
    DELETE FROM watch_queue q USING sync_run r WHERE r.run_id = p_run_id AND q.source_id = r.source_id AND q.taken_run = r.run_id;
END $$;
COMMENT ON FUNCTION roster_private.store_state IS 'Records how far an applied run has read its source.';
