-- API keys: made, rotated and revoked by administrators, checked for the daemon by use_api_key().

CREATE FUNCTION roster_private.key_scopes() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT ARRAY['scim', 'push', 'user-info', 'changes', 'console'] $$;
COMMENT ON FUNCTION roster_private.key_scopes IS 'What an API key can be good for. scim and push act on a source of that kind.';

CREATE FUNCTION roster_private.clean_scopes(p_scopes text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_unknown text[] := ARRAY(SELECT coalesce(s, 'NULL') FROM unnest(p_scopes) s WHERE s IS NULL OR s <> ALL (key_scopes()));
BEGIN
    IF coalesce(cardinality(p_scopes), 0) = 0 THEN
        RAISE EXCEPTION 'argument "scopes" must name what the key is good for'
            USING ERRCODE = 'invalid_parameter_value', HINT = format('One or more of: %s.', array_to_string(key_scopes(), ', '));
    END IF;
    IF cardinality(v_unknown) > 0 THEN
        RAISE EXCEPTION 'argument "scopes" has unknown scope "%"', v_unknown[1]
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Scopes are: %s.', array_to_string(key_scopes(), ', '));
    END IF;
    RETURN ARRAY(SELECT s FROM unnest(key_scopes()) s WHERE s = ANY (p_scopes));
END $$;
COMMENT ON FUNCTION roster_private.clean_scopes IS 'Distinct known scopes; an error that names what is not one.';

CREATE FUNCTION roster_private.clean_label(p_label text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_label text := clean_name('label', p_label);
BEGIN
    -- The label is the user name of HTTP Basic, which ends at the first colon.
    IF v_label ~ '[:[:cntrl:]]' THEN
        RAISE EXCEPTION 'argument "label" must not contain a colon or control characters'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a label such as ''okta provisioning''.';
    END IF;
    RETURN v_label;
END $$;
COMMENT ON FUNCTION roster_private.clean_label IS 'The label of a key in Unicode NFC, fit for HTTP Basic.';

CREATE FUNCTION roster_private.sources_of_kind(p_iam_id integer, p_kind text) RETURNS integer[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT ARRAY(SELECT s.source_id FROM source s WHERE s.iam_id = p_iam_id AND s.kind = p_kind AND s.dropped_at IS NULL ORDER BY s.source_id)
$$;
COMMENT ON FUNCTION roster_private.sources_of_kind IS 'The sources of that kind that an identity manager has.';

CREATE FUNCTION roster_private.named_key_source(p_iam roster_private.iam, p_scopes text[], p_source text) RETURNS integer
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(p_source);
    v_scope  text;
BEGIN
    PERFORM refuse_manual(v_source);
    IF v_source.iam_id <> p_iam.iam_id THEN
        RAISE EXCEPTION 'source "%" does not belong to identity manager "%"', v_source.source, p_iam.iam
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Argument "source": see roster.sources for those of argument "iam".';
    END IF;
    FOREACH v_scope IN ARRAY p_scopes LOOP
        IF v_scope IN ('scim', 'push') AND v_scope <> v_source.kind THEN
            RAISE EXCEPTION 'scope "%" needs a source of kind %, and source "%" is of kind %', v_scope, v_scope, v_source.source, v_source.kind
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Name another in argument "source", or make a key for each kind.';
        END IF;
    END LOOP;
    RETURN v_source.source_id;
END $$;
COMMENT ON FUNCTION roster_private.named_key_source IS 'The source that a key is made for by name; an error when it cannot serve the scopes.';

CREATE FUNCTION roster_private.only_key_source(p_iam roster_private.iam, p_scopes text[]) RETURNS integer
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_scope   text;
    v_sources integer[];
    v_found   integer[] := '{}';
BEGIN
    FOREACH v_scope IN ARRAY p_scopes LOOP
        CONTINUE WHEN v_scope NOT IN ('scim', 'push');
        v_sources := sources_of_kind(p_iam.iam_id, v_scope);
        IF cardinality(v_sources) > 1 THEN
            RAISE EXCEPTION 'argument "source" is required: identity manager "%" has several sources of kind %', p_iam.iam, v_scope
                USING ERRCODE = 'invalid_parameter_value', HINT = format('One of: %s.',
                    (SELECT string_agg(s.source, ', ' ORDER BY s.source COLLATE "C") FROM source s WHERE s.source_id = ANY (v_sources)));
        END IF;
        IF cardinality(v_sources) = 0 THEN
            RAISE WARNING 'identity manager "%" has no source of kind % yet: the key is refused there until it has one', p_iam.iam, v_scope
                USING HINT = format('SELECT roster.create_source(..., iam => %L, kind => %L);', p_iam.iam, v_scope);
        END IF;
        v_found := v_found || v_sources;
    END LOOP;
    RETURN CASE WHEN cardinality(v_found) = 1 THEN v_found[1] END;
END $$;
COMMENT ON FUNCTION roster_private.only_key_source IS 'The one source that the scopes of a key mean when none was named; NULL when they need none, or one each. An error when there is a choice.';

CREATE FUNCTION roster_private.key_document(p_key roster_private.api_key) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('prefix', p_key.prefix, 'scopes', p_key.scopes, 'expires_at', p_key.expires_at,
        'source', (SELECT s.source FROM source s WHERE s.source_id = p_key.source_id)))
$$;
COMMENT ON FUNCTION roster_private.key_document IS 'A key as it stands in before and after of a change: never the key or its hash.';

-- rk_PREFIX_SECRET: recognisable to scanners of leaked secrets, 8 characters to tell it by, 256 random bits.
CREATE FUNCTION roster_private.new_api_key() RETURNS text
    LANGUAGE sql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT 'rk_' || left(translate(random_token(), '_-', ''), 8) || '_' || random_token() $$;
COMMENT ON FUNCTION roster_private.new_api_key IS 'A new random API key.';

CREATE FUNCTION roster_private.put_api_key(p_key roster_private.api_key, p_secret text) RETURNS roster_private.api_key
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_key api_key;
BEGIN
    INSERT INTO api_key AS k (label, prefix, hash, iam_id, source_id, scopes, expires_at)
    VALUES (p_key.label, left(p_secret, 11), sha256(convert_to(p_secret, 'UTF8')), p_key.iam_id, p_key.source_id, p_key.scopes, p_key.expires_at)
    RETURNING k.* INTO v_key;
    RETURN v_key;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'an API key with label "%" exists already', p_key.label
        USING ERRCODE = 'unique_violation', HINT = 'Argument "label": pick another, or see roster.rotate_api_key() and roster.revoke_api_key().';
END $$;
COMMENT ON FUNCTION roster_private.put_api_key IS 'Stores a new key with the label, identity manager, source, scopes and end of p_key, and returns its row.';

CREATE FUNCTION roster.create_api_key(label text, iam text, scopes text[], source text DEFAULT NULL, expires_at timestamptz DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(create_api_key.iam);
    v_key    api_key;
    v_secret text := new_api_key();
BEGIN
    v_key.label := clean_label(create_api_key.label);
    v_key.iam_id := v_iam.iam_id;
    v_key.scopes := clean_scopes(create_api_key.scopes);
    v_key.expires_at := nullif(create_api_key.expires_at, 'infinity');
    IF v_key.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'argument "expires_at" (%) must be in the future', v_key.expires_at
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it NULL for a key that does not expire.';
    END IF;
    v_key.source_id := CASE WHEN create_api_key.source IS NULL THEN only_key_source(v_iam, v_key.scopes)
                            ELSE named_key_source(v_iam, v_key.scopes, create_api_key.source) END;
    -- An expired key gives its label up to the next.
    UPDATE api_key k SET current = false WHERE k.label = v_key.label AND k.current AND k.expires_at <= clock_timestamp();
    v_key := put_api_key(v_key, v_secret);
    PERFORM record_credential('add', 'api_key', v_iam.iam_id, v_key.label, NULL, key_document(v_key));
    RETURN v_secret;
END $$;
COMMENT ON FUNCTION roster.create_api_key IS 'Creates an API key of an identity manager and returns it, this once: only its hash is stored. scopes: scim, push, user-info, changes, console. source: required when the identity manager has several of the kind that scope scim or push needs. Errors: 42704 unknown iam or source, 22023 bad label, scope, source or expires_at, 23505 label taken.';

CREATE FUNCTION roster_private.find_api_key(p_label text) RETURNS roster_private.api_key
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_label text := clean_name('label', p_label);
    v_key   api_key;
BEGIN
    -- Waiting for another rotation leaves the first look empty-handed: the label names another key by then.
    FOR v_look IN 1..2 LOOP
        SELECT k.* INTO v_key FROM api_key k WHERE k.label = v_label AND k.current FOR UPDATE;
        IF FOUND THEN
            RETURN v_key;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'there is no API key with label "%"', v_label
        USING ERRCODE = 'undefined_object', HINT = 'Argument "label": see roster.api_keys for those not revoked, or create one with roster.create_api_key().';
END $$;
COMMENT ON FUNCTION roster_private.find_api_key IS 'The key that a label names, locked.';

CREATE FUNCTION roster.revoke_api_key(label text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_key api_key := find_api_key(revoke_api_key.label);
BEGIN
    -- Those that were rotated away and are still valid go too.
    UPDATE api_key k SET revoked_at = clock_timestamp(), current = false
    WHERE k.label = v_key.label AND k.revoked_at IS NULL AND (k.current OR k.expires_at > clock_timestamp());
    PERFORM record_credential('remove', 'api_key', v_key.iam_id, v_key.label, key_document(v_key), NULL);
END $$;
COMMENT ON FUNCTION roster.revoke_api_key IS 'Ends a key at once, with the ones that rotation has left valid. Its label is free again. Errors: 42704 unknown label.';

CREATE FUNCTION roster.rotate_api_key(label text, overlap interval DEFAULT '24 hours') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_old    api_key := find_api_key(rotate_api_key.label);
    v_new    api_key := v_old;
    v_now    timestamptz := clock_timestamp();
    v_secret text := new_api_key();
BEGIN
    IF overlap IS NULL OR overlap < interval '0' OR overlap > interval '365 days' THEN
        RAISE EXCEPTION 'argument "overlap" must be between 0 and 365 days'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It says how long the old key stays valid; 0 ends it at once.';
    END IF;
    -- A key that was made for ninety days is followed by another for ninety days.
    v_new.expires_at := v_now + (v_old.expires_at - v_old.created_at);
    UPDATE api_key k SET current = false, expires_at = least(k.expires_at, v_now + overlap)
    WHERE k.key_id = v_old.key_id RETURNING k.* INTO v_old;
    v_new := put_api_key(v_new, v_secret);
    PERFORM record_credential('change', 'api_key', v_old.iam_id, v_old.label, key_document(v_old), key_document(v_new));
    RETURN v_secret;
END $$;
COMMENT ON FUNCTION roster.rotate_api_key IS 'Replaces a key by a new one of the same label, scopes, source and lifetime, and returns it, this once. The old one stays valid for overlap, unless it expires before. Errors: 42704 unknown label, 22023 bad overlap.';

CREATE TYPE roster_private.key_check AS (
    key_id bigint, label text, last_used_at timestamptz, iam text, case_sensitive boolean, source_id integer, source text, config jsonb,
    scopes text[], refusal text, iam_id integer);
COMMENT ON TYPE roster_private.key_check IS 'What is known of a key and one scope. refusal NULL = accepted; else why not: unknown, revoked, expired, scope, inactive (the identity manager or source is gone or disabled), source (there is none for the scope, or more than one).';

-- Found by the hash of all of it: the time taken tells nothing about a key that is nearly right. One statement, because
-- every request over HTTP asks it.
CREATE FUNCTION roster_private.check_api_key(p_key text, p_scope text) RETURNS roster_private.key_check
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_check key_check;
BEGIN
    SELECT k.key_id, k.label, k.last_used_at, i.iam, i.case_sensitive, s.source_id, s.source, s.config, k.scopes,
           CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked'
                WHEN k.expires_at <= clock_timestamp() THEN 'expired'
                WHEN p_scope <> ALL (k.scopes) THEN 'scope'
                WHEN NOT i.enabled OR i.dropped_at IS NOT NULL THEN 'inactive'
                WHEN p_scope IN ('scim', 'push') AND s.source_id IS NULL THEN 'source'
                WHEN NOT s.enabled OR s.dropped_at IS NOT NULL THEN 'inactive' END,
           i.iam_id
    INTO v_check
    FROM api_key k
    JOIN iam i ON i.iam_id = k.iam_id
    -- Its own source, else the only one of the kind.
    LEFT JOIN source s ON s.source_id = coalesce(k.source_id,
        (SELECT CASE WHEN count(*) = 1 THEN min(o.source_id) END FROM source o WHERE o.iam_id = k.iam_id AND o.kind = p_scope AND o.dropped_at IS NULL))
    WHERE k.hash = sha256(convert_to(p_key, 'UTF8'));
    IF NOT FOUND THEN
        v_check.refusal := 'unknown';
    END IF;
    RETURN v_check;
END $$;
COMMENT ON FUNCTION roster_private.check_api_key IS 'Whether a key is good for a scope, and for whom.';

CREATE TYPE roster_private.key_use AS (label text, iam text, source text, scopes text[], refusal text);
COMMENT ON TYPE roster_private.key_use IS 'What a key may do. refusal NULL = accepted; else why not, as in key_check, and all others but label are NULL.';

CREATE FUNCTION roster_private.use_api_key(key text, scope text) RETURNS roster_private.key_use
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET log_min_error_statement = 'panic'
    AS $$
DECLARE
    v_check key_check := check_api_key(use_api_key.key, (clean_scopes(ARRAY[use_api_key.scope]))[1]);
BEGIN
    IF v_check.refusal IS NOT NULL THEN
        RETURN ROW(v_check.label, NULL, NULL, NULL, v_check.refusal)::key_use;
    END IF;
    PERFORM note_key_use(v_check.key_id, v_check.last_used_at);
    RETURN ROW(v_check.label, v_check.iam, v_check.source, v_check.scopes, NULL)::key_use;
END $$;
COMMENT ON FUNCTION roster_private.use_api_key IS 'Checks a key for one scope and notes its use, at most once a minute. Always one row; a key is good only where refusal is NULL, and then in that iam and source only. Errors: 22023 unknown scope.';

CREATE TYPE roster_private.scim_caller AS (label text, source_id integer, case_sensitive boolean, config jsonb, refusal text);
COMMENT ON TYPE roster_private.scim_caller IS 'Who asks over SCIM. refusal NULL = accepted; else why not, as in key_check, or iam: the key is that of another identity manager.';

CREATE FUNCTION roster_private.scim_enter(key text, iam text) RETURNS roster_private.scim_caller
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET log_min_error_statement = 'panic'
    AS $$
DECLARE
    v_check key_check := check_api_key(scim_enter.key, 'scim');
BEGIN
    IF v_check.refusal IS NULL AND v_check.iam IS DISTINCT FROM coalesce(nullif(scim_enter.iam, 'bim'), 'builtin') THEN
        v_check.refusal := 'iam';
    END IF;
    IF v_check.refusal IS NOT NULL THEN
        RETURN ROW(v_check.label, v_check.source_id, NULL, NULL, v_check.refusal)::scim_caller;
    END IF;
    PERFORM note_key_use(v_check.key_id, v_check.last_used_at);
    RETURN ROW(v_check.label, v_check.source_id, v_check.case_sensitive, v_check.config, NULL)::scim_caller;
END $$;
COMMENT ON FUNCTION roster_private.scim_enter IS 'Checks a key for SCIM in an identity manager, and returns how its source is configured. source_id is there for a refused key too, when it has one, for the log.';

CREATE TYPE roster_private.api_caller AS (label text, iam_id integer, iam text, source_id integer, source text, case_sensitive boolean, config jsonb, refusal text);
COMMENT ON TYPE roster_private.api_caller IS 'Who asks over HTTP beside SCIM. refusal NULL = accepted; else why not, as in key_check. Without a source, config is empty.';

CREATE FUNCTION roster_private.api_enter(key text, scope text) RETURNS roster_private.api_caller
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET log_min_error_statement = 'panic'
    AS $$
DECLARE
    v_check key_check := check_api_key(api_enter.key, (clean_scopes(ARRAY[api_enter.scope]))[1]);
BEGIN
    -- A key for two scopes may have been made while there was a source of one kind only.
    IF v_check.refusal IS NULL AND api_enter.scope = 'push'
       AND NOT EXISTS (SELECT FROM source s WHERE s.source_id = v_check.source_id AND s.kind = 'push') THEN
        v_check.refusal := 'source';
    END IF;
    IF v_check.refusal IS NOT NULL THEN
        RETURN ROW(v_check.label, NULL, NULL, NULL, NULL, NULL, NULL, v_check.refusal)::api_caller;
    END IF;
    PERFORM note_key_use(v_check.key_id, v_check.last_used_at);
    RETURN ROW(v_check.label, v_check.iam_id, v_check.iam, v_check.source_id, v_check.source, v_check.case_sensitive,
               coalesce(v_check.config, '{}'), NULL)::api_caller;
END $$;
COMMENT ON FUNCTION roster_private.api_enter IS 'Checks a key for one scope, and returns its identity manager and source. Errors: 22023 unknown scope.';

-- Requests of one key come side by side: none waits for another to note the same, and a standby notes nothing.
CREATE FUNCTION roster_private.note_key_use(p_key_id bigint, p_last timestamptz) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF p_last > clock_timestamp() - interval '1 minute' OR current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    UPDATE api_key k SET last_used_at = clock_timestamp()
    WHERE k.key_id = (SELECT n.key_id FROM api_key n WHERE n.key_id = p_key_id FOR NO KEY UPDATE SKIP LOCKED);
END $$;
COMMENT ON FUNCTION roster_private.note_key_use IS 'Records when a key was last used, to the minute.';

CREATE VIEW roster.api_keys AS
SELECT k.label, k.prefix, i.iam, s.source, k.scopes, k.expires_at, k.last_used_at, k.revoked_at
FROM roster_private.api_key k
JOIN roster_private.iam i ON i.iam_id = k.iam_id
LEFT JOIN roster_private.source s ON s.source_id = k.source_id;
