-- Platform usernames: how a user is called on Snowflake, Databricks, PostgreSQL ... Three states: a value; none = does not
-- exist there; unset (no row) = called by the username, where the platform's rule lets it.

CREATE VIEW roster_private.known_platform AS
SELECT p.platform,
       coalesce(r.case_rule, CASE p.platform WHEN 'databricks' THEN 'insensitive' ELSE 'exact' END) AS case_rule,
       -- A role in the database must not become somebody by chance: for postgres, other identity managers are named.
       coalesce(r.fallback_ids, CASE p.platform WHEN 'postgres' THEN ARRAY[1] END) AS fallback_ids
FROM (SELECT 'postgres' AS platform
      UNION SELECT r.platform FROM roster_private.platform_rule r
      UNION SELECT n.platform FROM roster_private.platform_username n) p
LEFT JOIN roster_private.platform_rule r USING (platform);
COMMENT ON VIEW roster_private.known_platform IS 'Platforms with their rules; fallback_ids NULL = users of every identity manager fall back.';

CREATE FUNCTION roster_private.platform_key(p_name text, p_case_rule text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_case_rule WHEN 'exact' THEN p_name ELSE roster_private.name_key(p_name, false) END;
COMMENT ON FUNCTION roster_private.platform_key IS 'The form in which names of a platform are compared.';

CREATE VIEW roster_private.platform_name AS
SELECT p.platform, n.platform_username, roster_private.platform_key(n.platform_username, p.case_rule) AS key, u.user_id, i.iam, u.username
FROM roster_private.platform_username n
JOIN roster_private.known_platform p ON p.platform = n.platform
JOIN roster_private.app_user u ON u.user_id = n.user_id AND u.active
JOIN roster_private.iam i ON i.iam_id = u.iam_id
WHERE n.state = 'value'
UNION ALL
SELECT p.platform, u.username, roster_private.platform_key(u.username, p.case_rule), u.user_id, i.iam, u.username
FROM roster_private.known_platform p
JOIN roster_private.app_user u ON u.active AND (p.fallback_ids IS NULL OR u.iam_id = ANY (p.fallback_ids))
JOIN roster_private.iam i ON i.iam_id = u.iam_id
WHERE NOT EXISTS (SELECT FROM roster_private.platform_username n WHERE n.user_id = u.user_id AND n.platform = p.platform);
COMMENT ON VIEW roster_private.platform_name IS 'How every active user is called on every platform, collisions included.';

CREATE VIEW roster.platform_users AS
SELECT n.platform, n.platform_username, n.user_id, n.iam, n.username
FROM (SELECT p.*, count(*) OVER (PARTITION BY p.platform, p.key) AS claims FROM roster_private.platform_name p) n
WHERE n.claims = 1;

CREATE VIEW roster.platform_collisions AS
SELECT n.platform, min(n.platform_username COLLATE "C") AS platform_username,
       array_agg(n.username COLLATE "C" ORDER BY n.username COLLATE "C", n.iam COLLATE "C") AS usernames
FROM roster_private.platform_name n
GROUP BY n.platform, n.key HAVING count(*) > 1;

CREATE VIEW roster.platform_attributes AS
SELECT p.platform, p.platform_username, e.name, e.value
FROM roster.platform_users p JOIN roster.effective_attributes e ON e.user_id = p.user_id;

CREATE VIEW roster.platforms AS
SELECT p.platform, p.case_rule,
       CASE WHEN p.fallback_ids IS NOT NULL THEN ARRAY(SELECT i.iam FROM roster_private.iam i WHERE i.iam_id = ANY (p.fallback_ids) ORDER BY i.iam COLLATE "C") END AS fallback_iams
FROM roster_private.known_platform p;

CREATE FUNCTION roster.set_platform_username(username text, platform text, platform_username text DEFAULT NULL,
                                             state text DEFAULT 'value', iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam      iam := find_iam(set_platform_username.iam);
    v_platform text := clean_name('platform', set_platform_username.platform);
    v_name     text;
    v_user     app_user;
    v_run      bigint;
    v_closed   bigint;
    v_opened   bigint := 0;
BEGIN
    IF set_platform_username.state IS NULL OR set_platform_username.state NOT IN ('value', 'unset', 'none') THEN
        RAISE EXCEPTION 'argument "state" must be value, unset or none, not "%"', set_platform_username.state
            USING ERRCODE = 'invalid_parameter_value', HINT = 'unset falls back to the username, none = the user does not exist there.';
    END IF;
    IF set_platform_username.state = 'value' THEN
        v_name := clean_name('platform_username', set_platform_username.platform_username);
    ELSIF set_platform_username.platform_username IS NOT NULL THEN
        RAISE EXCEPTION 'argument "platform_username" goes with state value, not with %', set_platform_username.state
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave one of them out.';
    END IF;
    PERFORM lock_iam(v_iam.iam_id, false);
    v_user := find_user(v_iam, set_platform_username.username);
    PERFORM FROM app_user u WHERE u.user_id = v_user.user_id FOR NO KEY UPDATE;
    v_run := single_run(v_iam.iam_id);
    DELETE FROM platform_username n
    WHERE n.user_id = v_user.user_id AND n.platform = v_platform
      AND (n.state, n.platform_username) IS DISTINCT FROM (set_platform_username.state, v_name);
    GET DIAGNOSTICS v_closed = ROW_COUNT;
    IF set_platform_username.state <> 'unset' THEN
        INSERT INTO platform_username (user_id, source_id, opened_no, opened_run, platform, state, platform_username)
        VALUES (v_user.user_id, 1, take_numbers(v_run, 1) + 1, v_run, v_platform, set_platform_username.state, v_name)
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_opened = ROW_COUNT;
    END IF;
    -- What a source states beside it may count now, and must be compared with what stands.
    IF v_closed > 0 THEN
        UPDATE user_claim k SET fingerprint = NULL WHERE k.user_id = v_user.user_id AND k.fingerprint IS NOT NULL;
    END IF;
    RETURN v_closed + v_opened > 0;
END $$;
COMMENT ON FUNCTION roster.set_platform_username IS 'How a user is called on a platform. state: value (platform_username), unset (falls back to the username), none (does not exist there). False when it stood so already. Errors: 42704 unknown user or iam, 22023 bad name or state.';

CREATE FUNCTION roster.set_platform_rule(platform text, case_rule text DEFAULT 'exact', fallback_iams text[] DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_platform text := clean_name('platform', set_platform_rule.platform);
    v_ids      integer[];
    v_before   jsonb;
    v_after    jsonb;
BEGIN
    IF set_platform_rule.case_rule IS NULL OR set_platform_rule.case_rule NOT IN ('exact', 'insensitive') THEN
        RAISE EXCEPTION 'argument "case_rule" must be exact or insensitive, not "%"', set_platform_rule.case_rule
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Databricks compares without case, others exactly.';
    END IF;
    -- PostgreSQL compares role names exactly, and so must whoever trusts them.
    IF v_platform = 'postgres' AND set_platform_rule.case_rule <> 'exact' THEN
        RAISE EXCEPTION 'argument "case_rule" must be exact for platform postgres' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Role names of PostgreSQL differ by case.';
    END IF;
    IF set_platform_rule.fallback_iams IS NOT NULL THEN
        SELECT coalesce(array_agg((find_iam(f)).iam_id), '{}') INTO v_ids FROM unnest(set_platform_rule.fallback_iams) f;
    END IF;
    PERFORM lock_iam(1, false);
    SELECT to_jsonb(p) INTO v_before FROM platform_rule p WHERE p.platform = v_platform;
    INSERT INTO platform_rule AS p (platform, case_rule, fallback_ids) VALUES (v_platform, set_platform_rule.case_rule, v_ids)
    ON CONFLICT ON CONSTRAINT platform_rule_pkey DO UPDATE SET case_rule = excluded.case_rule, fallback_ids = excluded.fallback_ids
    RETURNING to_jsonb(p) INTO v_after;
    PERFORM record_config(single_run(1), CASE WHEN v_before IS NULL THEN 'add' ELSE 'change' END, 'platform', NULL, v_platform, NULL, v_before, v_after);
END $$;
COMMENT ON FUNCTION roster.set_platform_rule IS 'How names of a platform compare (exact, insensitive), and users of which identity managers are called by their username there when nothing else is set: NULL = all, for postgres builtin only. Errors: 42704 unknown iam, 22023 bad rule.';
