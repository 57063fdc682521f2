-- Passwords, and what they share with API keys (76_api_keys.sql). Neither is a fact: no source owns them, no plan touches
-- them, and the audit trail says that they were set, never what they are. Functions that are handed one keep it out of the
-- server log when they fail: it would have the failed statement (log_min_error_statement; 90_privileges.sql lets
-- roster_owner set it).

CREATE TABLE roster_private.user_password (
    user_id      bigint PRIMARY KEY,
    phc          text NOT NULL,
    set_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    failures     integer NOT NULL DEFAULT 0,
    locked_until timestamptz
);
COMMENT ON TABLE roster_private.user_password IS 'argon2id PHC strings of users who have a password, with the wrong guesses in a row and the lock-out they led to.';

-- The run of an audited change that leaves the facts alone: of no identity manager, so that kept plans stay current.
CREATE FUNCTION roster_private.record_credential(p_change text, p_kind text, p_iam_id integer, p_subject text, p_before jsonb, p_after jsonb)
    RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT record_config(single_run(0), p_change, p_kind, p_iam_id, p_subject, NULL, p_before, p_after) $$;
COMMENT ON FUNCTION roster_private.record_credential IS 'Audits a change of a password or key; the caller sees to it that nothing secret is handed over.';

CREATE FUNCTION roster_private.password_to_keep(p_password text) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_password IS NULL THEN
        RAISE EXCEPTION 'argument "password" must not be NULL'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a password, or take it away with roster.remove_password().';
    END IF;
    -- Hashes of every kind begin with $name$. One taken for a password would be a password that is known to its readers.
    RETURN CASE WHEN p_password ~ '^\$[A-Za-z0-9-]{1,32}\$' THEN read_password_hash(p_password) ELSE hash_password(p_password) END;
END $$;
COMMENT ON FUNCTION roster_private.password_to_keep IS 'What is stored of a password: its argon2id hash, or the argon2id PHC string that was given instead.';

CREATE FUNCTION roster_private.put_password(p_iam_id integer, p_user_id bigint, p_username text, p_phc text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_change text := CASE WHEN EXISTS (SELECT FROM user_password p WHERE p.user_id = p_user_id) THEN 'change' ELSE 'add' END;
BEGIN
    INSERT INTO user_password (user_id, phc) VALUES (p_user_id, p_phc)
    ON CONFLICT (user_id) DO UPDATE SET phc = excluded.phc, set_at = excluded.set_at, failures = 0, locked_until = NULL;
    PERFORM record_credential(v_change, 'password', p_iam_id, p_username, NULL, NULL);
END $$;
COMMENT ON FUNCTION roster_private.put_password IS 'Stores the hash of a user''s password, lifts a lock-out, and audits that it was set.';

CREATE FUNCTION roster.set_password(username text, password text, iam text DEFAULT 'builtin') RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET log_min_error_statement = 'panic'
    AS $$
DECLARE
    v_iam  iam := find_iam(set_password.iam);
    v_phc  text := password_to_keep(set_password.password);
    v_user app_user;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, false);
    v_user := find_user(v_iam, set_password.username);
    PERFORM put_password(v_iam.iam_id, v_user.user_id, v_user.username, v_phc);
END $$;
COMMENT ON FUNCTION roster.set_password IS 'Sets the password of a user of any identity manager and lifts a lock-out. password: 8 characters or more, at most 1000 bytes, or an argon2id PHC string, which is taken as it is. Pass it as a parameter, not as a literal: docs/credentials.md. Errors: 42704 unknown user or iam, 22023 no such password allowed.';

CREATE FUNCTION roster.remove_password(username text, iam text DEFAULT 'builtin') RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam  iam := find_iam(remove_password.iam);
    v_user app_user;
BEGIN
    PERFORM lock_iam(v_iam.iam_id, false);
    v_user := find_user(v_iam, remove_password.username);
    DELETE FROM user_password p WHERE p.user_id = v_user.user_id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM record_credential('remove', 'password', v_iam.iam_id, v_user.username, NULL, NULL);
    RETURN true;
END $$;
COMMENT ON FUNCTION roster.remove_password IS 'Takes the password from a user, who can then not be authenticated here. False when there was none. Errors: 42704 unknown user or iam.';

-- The row stays locked until the caller's transaction ends, so guesses at one user are counted one after the other.
-- Whoever the user is and whatever is wrong, one password is verified: the time taken tells nothing.
CREATE FUNCTION roster.authenticate(username text, password text, iam text DEFAULT 'builtin') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET log_min_error_statement = 'panic'
    AS $$
DECLARE
    v_iam  iam := find_iam(authenticate.iam);
    v_kept user_password;
    v_right boolean;
BEGIN
    SELECT p.* INTO v_kept
    FROM app_user u JOIN user_password p ON p.user_id = u.user_id
    WHERE u.iam_id = v_iam.iam_id AND u.username_key = name_key(authenticate.username, v_iam.case_sensitive)
    FOR UPDATE OF p;
    v_right := verify_password(authenticate.password, v_kept.phc);
    IF v_kept.user_id IS NULL OR v_kept.locked_until > clock_timestamp() THEN
        RETURN NULL;
    END IF;
    IF NOT v_right THEN
        PERFORM count_failure(v_kept, v_iam.iam_id);
        RETURN NULL;
    END IF;
    UPDATE user_password p SET failures = 0, locked_until = NULL WHERE p.user_id = v_kept.user_id AND p.failures > 0;
    -- Looked at last: the user may have been disabled while this call waited for another.
    RETURN (SELECT u.user_id FROM app_user u WHERE u.user_id = v_kept.user_id AND u.active AND v_iam.enabled);
END $$;
COMMENT ON FUNCTION roster.authenticate IS 'The user_id of an active user whose password this is, else NULL: unknown user, no or wrong password, disabled and locked out look alike. Five wrong passwords in a row lock the user out for 15 minutes. Call it in a transaction of its own that commits: a rollback forgets the failure. Errors: 42704 unknown iam.';

CREATE FUNCTION roster_private.count_failure(p_kept roster_private.user_password, p_iam_id integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    -- A lock-out that is over starts the count afresh.
    v_failures integer := CASE WHEN p_kept.locked_until IS NULL THEN p_kept.failures ELSE 0 END + 1;
    v_until    timestamptz := CASE WHEN v_failures >= 5 THEN clock_timestamp() + interval '15 minutes' END;
BEGIN
    UPDATE user_password p SET failures = v_failures, locked_until = v_until WHERE p.user_id = p_kept.user_id;
    IF v_until IS NOT NULL THEN
        PERFORM record_credential('add', 'lockout', p_iam_id, u.username, NULL, jsonb_build_object('locked_until', v_until))
        FROM app_user u WHERE u.user_id = p_kept.user_id;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.count_failure IS 'Counts a wrong password; the fifth in a row locks the user out.';
