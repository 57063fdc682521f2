-- SCIM: what the writes of users and groups share. A request is a run of one change whose actor is the label of the key.
-- The daemon knows the protocol; here are identity, ownership and facts.

CREATE TYPE roster_private.scim_written AS (
    outcome text, scim_id uuid, version bigint, created_at timestamptz, modified_at timestamptz, detail text);
COMMENT ON TYPE roster_private.scim_written IS 'What became of a request: created, changed, same, deleted; missing (no such id in this source), stale (another version), taken (detail says what and by whom), unknown_members (none of the members is known). Of a user that was written, detail = admitted: groups had waited.';

CREATE FUNCTION roster_private.scim_refused(p_outcome text, p_detail text DEFAULT NULL) RETURNS roster_private.scim_written
    LANGUAGE sql IMMUTABLE
    RETURN ROW(p_outcome, NULL::uuid, NULL::bigint, NULL::timestamptz, NULL::timestamptz, p_detail)::roster_private.scim_written;
COMMENT ON FUNCTION roster_private.scim_refused IS 'The answer to a request that wrote nothing.';

CREATE TYPE roster_private.scim_context AS (source_id integer, iam_id integer, case_sensitive boolean, actor text);
COMMENT ON TYPE roster_private.scim_context IS 'For whom a request acts: source, its identity manager, label of the key.';

CREATE FUNCTION roster_private.scim_context_of(p_source_id integer, p_actor text) RETURNS roster_private.scim_context
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c scim_context;
BEGIN
    SELECT s.source_id, i.iam_id, i.case_sensitive, p_actor INTO c FROM source s JOIN iam i USING (iam_id)
    WHERE s.source_id = p_source_id AND s.kind = 'scim' AND s.dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no source % of kind scim', p_source_id USING ERRCODE = 'undefined_object', HINT = 'See roster.sources.';
    END IF;
    RETURN c;
END $$;
COMMENT ON FUNCTION roster_private.scim_context_of IS 'The context of a request of a source.';

CREATE FUNCTION roster_private.scim_begin(p_source_id integer, p_actor text, p_exclusive boolean) RETURNS roster_private.scim_context
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c scim_context := scim_context_of(p_source_id, p_actor);
BEGIN
    PERFORM lock_iam(c.iam_id, p_exclusive);
    IF EXISTS (SELECT FROM source s WHERE s.source_id = p_source_id AND s.dropped_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the source was dropped meanwhile' USING ERRCODE = 'undefined_object', HINT = 'See roster.sources.';
    END IF;
    RETURN c;
END $$;
COMMENT ON FUNCTION roster_private.scim_begin IS 'The context of a request that has its identity manager locked.';

CREATE FUNCTION roster_private.scim_run(c roster_private.scim_context) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN (begin_single(c.actor, c.source_id, c.iam_id, 0)).run_id;
END $$;
COMMENT ON FUNCTION roster_private.scim_run IS 'The run of this request.';

-- Every changing request leaves a trace: one that changed no fact is told as a change of the resource.
CREATE FUNCTION roster_private.scim_trace(c roster_private.scim_context, p_change text, p_kind text, p_subject text, p_before jsonb, p_after jsonb)
    RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_run bigint := scim_run(c);
BEGIN
    IF (SELECT r.changes = 0 FROM run r WHERE r.run_id = v_run) THEN
        PERFORM record_config(v_run, p_change, p_kind, c.iam_id, p_subject, NULL,
            (SELECT jsonb_object_agg(b.key, b.value) FROM jsonb_each(p_before) b WHERE p_after -> b.key IS DISTINCT FROM b.value),
            (SELECT jsonb_object_agg(a.key, a.value) FROM jsonb_each(p_after) a WHERE p_before -> a.key IS DISTINCT FROM a.value));
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.scim_trace IS 'Records what differs in a resource when its run has no change of a fact.';

CREATE FUNCTION roster_private.scim_uuid(p_text text) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    -- Ids compare exactly: another spelling of the same bits is another id.
    RETURN CASE WHEN p_text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN p_text::uuid END;
COMMENT ON FUNCTION roster_private.scim_uuid IS 'The text as an id of a resource; NULL when it cannot be one.';

CREATE FUNCTION roster_private.max_age(p_config jsonb) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE jsonb_typeof(p_config -> 'max_age')
               WHEN 'number' THEN make_interval(secs => (p_config ->> 'max_age')::double precision)
               WHEN 'string' THEN (p_config ->> 'max_age')::interval END;
COMMENT ON FUNCTION roster_private.max_age IS 'After how long what a source stated and did not repeat is stale: seconds or an interval; NULL = never.';

-- A change is made from a document that was read before, and made again when others came between. Who was overtaken
-- more than once asks for the resource to be held.
CREATE FUNCTION roster_private.scim_hold(p_source_id integer, p_is_group boolean, p_scim_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    -- In the order and the modes of the writes, or the two could wait for each other.
    PERFORM scim_begin(p_source_id, NULL, p_is_group);
    IF p_is_group THEN
        PERFORM FROM scim_group r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id FOR UPDATE;
    ELSE
        PERFORM FROM scim_user r WHERE r.source_id = p_source_id AND r.scim_id = p_scim_id FOR UPDATE;
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.scim_hold IS 'Keeps a resource as it is for this transaction.';
