-- Push sources: an event is one transaction and one run of one change. What is newer by the time of the event counts, facet by
-- facet, so that the order of arrival does not matter.

CREATE TYPE roster_private.push_context AS (
    source_id integer, iam_id integer, iam text, case_sensitive boolean, actor text, match_by text, create_users boolean, prefix text,
    occurred_at timestamptz, arrival bigint);
COMMENT ON TYPE roster_private.push_context IS 'For whom an event acts, how its source is configured, and how new the event is.';

CREATE TYPE roster_private.push_outcome AS (
    outcome text, reason text, late text[], ignored text[], waiting text[], awaits text, first_outcome text);
COMMENT ON TYPE roster_private.push_outcome IS 'What became of an event: applied, late, waiting, dead, duplicate. late: the facets that did not count because newer is known; ignored: profile fields of a user who is another source''s; waiting: whom it waits for (awaits: user, group, or groups = each of its own); first_outcome: that of the event of which this is a duplicate.';

CREATE FUNCTION roster_private.push_context_of(p_source_id integer, p_actor text, p_time timestamptz, p_arrival bigint)
    RETURNS roster_private.push_context
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c push_context;
BEGIN
    SELECT s.source_id, i.iam_id, i.iam, i.case_sensitive, p_actor, coalesce(s.config ->> 'match_by', 'username'),
           coalesce((s.config -> 'create_users')::boolean, false), s.config ->> 'prefix', p_time, p_arrival
    INTO c FROM source s JOIN iam i USING (iam_id)
    WHERE s.source_id = p_source_id AND s.kind = 'push' AND s.dropped_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no source % of kind push', p_source_id USING ERRCODE = 'undefined_object', HINT = 'See roster.sources.';
    END IF;
    RETURN c;
END $$;
COMMENT ON FUNCTION roster_private.push_context_of IS 'The context of an event of a source.';

CREATE FUNCTION roster_private.push_begin(p_source_id integer, p_actor text, p_time timestamptz, p_arrival bigint, p_type text)
    RETURNS roster_private.push_context
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam_id integer := (SELECT s.iam_id FROM source s WHERE s.source_id = p_source_id);
BEGIN
    PERFORM lock_iam(v_iam_id, p_type IN ('roster.group.upsert', 'roster.group.delete') OR p_type LIKE 'roster.group.attributes.%');
    -- Read under the lock: the source may have been dropped, or have another configuration, meanwhile.
    RETURN push_context_of(p_source_id, p_actor, p_time, p_arrival);
END $$;
COMMENT ON FUNCTION roster_private.push_begin IS 'The context of an event that has its identity manager locked: alone for what changes groups or what they carry.';

CREATE FUNCTION roster_private.push_run(c roster_private.push_context) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN (begin_single(c.actor, c.source_id, c.iam_id, 0)).run_id;
END $$;
COMMENT ON FUNCTION roster_private.push_run IS 'The run of this event.';

-- The door -------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.push_event(p_source_id integer, p_actor text, p_origin text, p_event_id text, p_type text, p_subject text,
                                          p_time timestamptz, p_data jsonb, p_webhook_id text, p_problem text) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    c         push_context := push_begin(p_source_id, p_actor, coalesce(p_time, clock_timestamp()), nextval('roster_private.push_arrival_seq'), p_type);
    v_outcome push_outcome;
BEGIN
    IF p_webhook_id IS NOT NULL AND NOT push_see(p_source_id, p_webhook_id) THEN
        v_outcome.outcome := 'duplicate';
        RETURN v_outcome;
    END IF;
    IF p_event_id IS NOT NULL THEN
        -- Whoever brings the same event at this moment waits here.
        INSERT INTO push_event (source_id, origin, event_id, outcome) VALUES (p_source_id, p_origin, p_event_id, 'applied') ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            v_outcome.outcome := 'duplicate';
            SELECT e.outcome INTO v_outcome.first_outcome FROM push_event e
            WHERE e.source_id = p_source_id AND e.origin = p_origin AND e.event_id = p_event_id;
            RETURN v_outcome;
        END IF;
        DELETE FROM push_letter l WHERE l.source_id = p_source_id AND l.origin = p_origin AND l.event_id = p_event_id;
    END IF;
    v_outcome := push_try(c, p_type, p_subject, p_data, p_problem);
    IF v_outcome.outcome = 'dead' THEN
        -- Nothing has happened: when it comes again, it is looked at again.
        DELETE FROM push_seen n WHERE n.source_id = p_source_id AND n.webhook_id = p_webhook_id;
        DELETE FROM push_event e WHERE e.source_id = p_source_id AND e.origin = p_origin AND e.event_id = p_event_id;
        IF p_event_id IS NOT NULL THEN
            PERFORM push_keep(c, p_origin, p_event_id, p_type, p_subject, p_data, v_outcome);
        END IF;
    ELSIF v_outcome.outcome <> 'applied' THEN
        UPDATE push_event e SET outcome = v_outcome.outcome WHERE e.source_id = p_source_id AND e.origin = p_origin AND e.event_id = p_event_id;
        IF v_outcome.outcome = 'waiting' THEN
            PERFORM push_keep(c, coalesce(p_origin, 'call'), coalesce(p_event_id, gen_random_uuid()::text), p_type, p_subject, p_data, v_outcome);
        END IF;
    END IF;
    RETURN v_outcome;
END $$;
COMMENT ON FUNCTION roster_private.push_event IS 'Takes one event (p_event_id NULL: a call, which has no id) and says what became of it. p_time NULL = now. p_webhook_id: of a signed request, accepted once. p_problem: why it cannot be taken, when the daemon knows already. Errors: 42704 unknown source.';

CREATE FUNCTION roster_private.push_see(p_source_id integer, p_webhook_id text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    INSERT INTO push_seen (source_id, webhook_id) VALUES (p_source_id, p_webhook_id) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION roster_private.push_see IS 'Notes a signed request; false when it was accepted before.';

CREATE FUNCTION roster_private.push_was_seen(p_source_id integer, p_webhook_id text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT EXISTS (SELECT FROM push_seen n WHERE n.source_id = p_source_id AND n.webhook_id = p_webhook_id) $$;
COMMENT ON FUNCTION roster_private.push_was_seen IS 'Whether a signed request was accepted before.';

-- Bad data undoes what the event has done so far, and nothing else.
CREATE FUNCTION roster_private.push_try(c roster_private.push_context, p_type text, p_subject text, p_data jsonb, p_problem text DEFAULT NULL)
    RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_outcome push_outcome;
BEGIN
    v_outcome.outcome := 'dead';
    v_outcome.reason := p_problem;
    IF p_problem IS NULL AND c.occurred_at > clock_timestamp() + interval '5 minutes' THEN
        v_outcome.reason := format('time %s is more than 5 minutes ahead of the database: check the clock of the sender', to_json(c.occurred_at) #>> '{}');
    END IF;
    FOR v_look IN 1..3 LOOP
        EXIT WHEN v_outcome.reason IS NOT NULL AND v_look = 1;
        BEGIN
            RETURN push_apply(c, p_type, p_subject, p_data);
        EXCEPTION
            WHEN unique_violation THEN
                -- Somebody else took the name at this moment: now it can be seen.
                v_outcome.reason := SQLERRM;
            WHEN data_exception OR check_violation OR program_limit_exceeded THEN
                v_outcome.reason := SQLERRM;
                RETURN v_outcome;
        END;
    END LOOP;
    RETURN v_outcome;
END $$;
COMMENT ON FUNCTION roster_private.push_try IS 'Applies an event; dead, with the reason and nothing changed, when its data are bad.';

CREATE FUNCTION roster_private.push_apply(c roster_private.push_context, p_type text, p_subject text, p_data jsonb) RETURNS roster_private.push_outcome
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_data jsonb := coalesce(nullif(p_data, 'null'), '{}');
    v_mode text := substring(p_type from '[^.]*$');
BEGIN
    IF jsonb_typeof(v_data) <> 'object' THEN
        RAISE EXCEPTION 'data must be a JSON object, not %', jsonb_typeof(v_data) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    CASE
        WHEN p_type = 'roster.user.upsert' THEN RETURN push_user_upsert(c, p_subject, v_data);
        WHEN p_type = 'roster.user.replace' THEN RETURN push_user_replace(c, p_subject, v_data);
        WHEN p_type = 'roster.user.disable' THEN RETURN push_user_disable(c, p_subject);
        WHEN p_type LIKE 'roster.user.attributes.%' AND v_mode IN ('set', 'add', 'remove') THEN RETURN push_user_attributes(c, p_subject, v_mode, v_data);
        WHEN p_type = 'roster.group.upsert' THEN RETURN push_group_upsert(c, p_subject, v_data);
        WHEN p_type = 'roster.group.delete' THEN RETURN push_group_delete(c, p_subject);
        WHEN p_type LIKE 'roster.group.attributes.%' AND v_mode IN ('set', 'add', 'remove') THEN RETURN push_group_attributes(c, p_subject, v_mode, v_data);
        WHEN p_type LIKE 'roster.group.members.%' AND v_mode IN ('add', 'remove') THEN RETURN push_members(c, p_subject, v_mode, v_data);
        ELSE
            RAISE EXCEPTION 'type "%" is none that this source understands', p_type USING ERRCODE = 'invalid_parameter_value';
    END CASE;
END $$;
COMMENT ON FUNCTION roster_private.push_apply IS 'Applies an event by its type.';

-- How new --------------------------------------------------------------------------------------------------------------
-- Facets of a user or group: '' its existence, p* the profile as a whole, p:FIELD a field of it, a* all attributes at once, a:NAME all values
-- of one, v:NAME VALUE one value, m* all memberships at once, m:GROUP one.

CREATE FUNCTION roster_private.push_facet(p_kind text, p_subject text, p_facet text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN md5(p_kind || length(p_subject) || ':' || p_subject || p_facet)::uuid;
COMMENT ON FUNCTION roster_private.push_facet IS 'What events are ordered by: one aspect of one subject, as the source calls it.';

CREATE FUNCTION roster_private.push_value_facet(p_kind text, p_subject text, p_name text, p_value text) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN md5(p_kind || length(p_subject) || ':' || p_subject || 'v:' || length(p_name) || ':' || p_name || p_value)::uuid;
COMMENT ON FUNCTION roster_private.push_value_facet IS 'The facet of one value of an attribute.';

CREATE FUNCTION roster_private.push_is_late(c roster_private.push_context, VARIADIC p_facets uuid[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM push_order o WHERE o.source_id = c.source_id AND o.facet = ANY (p_facets)
                   AND (o.occurred_at, o.arrival) > (c.occurred_at, c.arrival));
END $$;
COMMENT ON FUNCTION roster_private.push_is_late IS 'Whether something newer than the event is known of one of the facets. Of equal times, what arrived later is newer.';

CREATE FUNCTION roster_private.push_note(c roster_private.push_context, VARIADIC p_facets uuid[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    INSERT INTO push_order AS o (source_id, facet, occurred_at, arrival)
    SELECT DISTINCT c.source_id, f, c.occurred_at, c.arrival FROM unnest(p_facets) f ORDER BY f
    ON CONFLICT (source_id, facet) DO UPDATE SET occurred_at = excluded.occurred_at, arrival = excluded.arrival
    WHERE (o.occurred_at, o.arrival) < (excluded.occurred_at, excluded.arrival);
END $$;
COMMENT ON FUNCTION roster_private.push_note IS 'Remembers the event as the newest of the facets.';

-- Letters --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION roster_private.push_keep(c roster_private.push_context, p_origin text, p_event_id text, p_type text, p_subject text, p_data jsonb,
                                         p_outcome roster_private.push_outcome) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_data jsonb := p_data;
BEGIN
    IF p_outcome.awaits = 'groups' THEN
        -- Each enters on its own.
        INSERT INTO push_letter (source_id, origin, event_id, part, state, reason, actor, type, subject, occurred_at, arrival, data, awaits, awaited)
        SELECT c.source_id, p_origin, p_event_id, g, 'waiting', push_absent(c, 'group', ARRAY[g]), c.actor, 'roster.group.members.add', g,
               c.occurred_at, c.arrival, jsonb_build_object('members', jsonb_build_array(p_subject)), 'group', ARRAY[g]
        FROM unnest(p_outcome.waiting) g;
        RETURN;
    END IF;
    IF p_outcome.awaits = 'user' AND p_type LIKE 'roster.group.members.%' THEN
        v_data := jsonb_build_object('members', to_jsonb(p_outcome.waiting));
    END IF;
    INSERT INTO push_letter AS l (source_id, origin, event_id, part, state, reason, actor, type, subject, occurred_at, arrival, data, awaits, awaited)
    VALUES (c.source_id, p_origin, p_event_id, '', p_outcome.outcome, coalesce(p_outcome.reason, push_absent(c, p_outcome.awaits, p_outcome.waiting)), c.actor, p_type,
            p_subject, c.occurred_at, c.arrival, v_data, p_outcome.awaits, coalesce(p_outcome.waiting, '{}'));
END $$;
COMMENT ON FUNCTION roster_private.push_keep IS 'Keeps an event, or what is left of it, that could not be applied.';

CREATE FUNCTION roster_private.push_absent(c roster_private.push_context, p_awaits text, p_awaited text[]) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT format('no %s "%s" in identity manager "%s"', p_awaits, p_awaited[1], c.iam)
           || CASE WHEN p_awaits = 'user' AND c.match_by <> 'username' THEN format(' (by %s)', c.match_by) ELSE '' END
           || CASE WHEN cardinality(p_awaited) > 1 THEN format(', nor %s more', cardinality(p_awaited) - 1) ELSE '' END
$$;
COMMENT ON FUNCTION roster_private.push_absent IS 'What a letter waits for, in words.';

CREATE FUNCTION roster_private.push_is_awaited(c roster_private.push_context, p_letter roster_private.push_letter) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_name text;
BEGIN
    FOREACH v_name IN ARRAY p_letter.awaited LOOP
        IF p_letter.awaits = 'user' AND push_user_id(c, v_name) IS NOT NULL OR p_letter.awaits = 'group' AND (push_find_group(c, v_name)).group_id IS NOT NULL THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
EXCEPTION WHEN data_exception THEN
    -- Ambiguous by now, for one: applying it tells.
    RETURN true;
END $$;
COMMENT ON FUNCTION roster_private.push_is_awaited IS 'Whether one of those that a letter waits for is there.';

CREATE FUNCTION roster_private.push_open(p_letter_id bigint) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_letter  push_letter;
    v_outcome push_outcome;
    c         push_context;
BEGIN
    SELECT l.* INTO v_letter FROM push_letter l WHERE l.letter_id = p_letter_id;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    c := push_begin(v_letter.source_id, v_letter.actor, v_letter.occurred_at, v_letter.arrival, v_letter.type);
    -- The iam first, as everywhere.
    SELECT l.* INTO v_letter FROM push_letter l WHERE l.letter_id = p_letter_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_outcome := push_try(c, v_letter.type, v_letter.subject, v_letter.data);
    DELETE FROM push_letter l WHERE l.letter_id = p_letter_id;
    IF v_outcome.outcome IN ('waiting', 'dead') THEN
        INSERT INTO push_letter (letter_id, source_id, origin, event_id, part, state, reason, actor, type, subject, occurred_at, arrival, data, awaits, awaited, received_at)
        SELECT v_letter.letter_id, v_letter.source_id, v_letter.origin, v_letter.event_id, v_letter.part, v_outcome.outcome,
               coalesce(v_outcome.reason, push_absent(c, v_outcome.awaits, v_outcome.waiting)), v_letter.actor, v_letter.type, v_letter.subject,
               v_letter.occurred_at, v_letter.arrival,
               CASE WHEN v_outcome.awaits = 'user' AND v_letter.type LIKE 'roster.group.members.%'
                    THEN jsonb_build_object('members', to_jsonb(v_outcome.waiting)) ELSE v_letter.data END,
               CASE WHEN v_outcome.awaits = 'groups' THEN 'group' ELSE v_outcome.awaits END, coalesce(v_outcome.waiting, '{}'), v_letter.received_at
        WHERE v_outcome.awaits IS DISTINCT FROM 'groups';
        IF v_outcome.awaits = 'groups' THEN
            PERFORM push_keep(c, v_letter.origin, v_letter.event_id, v_letter.type, v_letter.subject, v_letter.data, v_outcome);
        END IF;
    END IF;
    INSERT INTO push_event AS e (source_id, origin, event_id, outcome)
    SELECT v_letter.source_id, v_letter.origin, v_letter.event_id, v_outcome.outcome WHERE v_outcome.outcome <> 'dead'
    ON CONFLICT (source_id, origin, event_id) DO UPDATE SET outcome = excluded.outcome;
    RETURN v_outcome.outcome;
END $$;
COMMENT ON FUNCTION roster_private.push_open IS 'Tries a letter again, as if it came now with its old time, and returns what became of it; NULL when it is gone.';

CREATE FUNCTION roster_private.retry_waiting_events() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_letter push_letter;
    c        push_context;
    v_source integer;
    v_actor  text;
    v_opened bigint := 0;
BEGIN
    -- Each daemon calls it: one at a time retries, the others leave it to that one.
    IF NOT pg_try_advisory_xact_lock(lock_class('push'), 0) THEN
        RETURN 0;
    END IF;
    FOR v_letter IN SELECT l.* FROM push_letter l WHERE l.state = 'waiting' ORDER BY l.letter_id LOOP
        CONTINUE WHEN v_source <> v_letter.source_id OR v_actor <> v_letter.actor;
        IF c.source_id IS DISTINCT FROM v_letter.source_id THEN
            c := push_context_of(v_letter.source_id, v_letter.actor, v_letter.occurred_at, v_letter.arrival);
        END IF;
        CONTINUE WHEN NOT push_is_awaited(c, v_letter);
        IF v_source IS NULL THEN
            -- A transaction is one run of one actor, and takes the stronger lock first.
            v_source := v_letter.source_id;
            v_actor := v_letter.actor;
            PERFORM lock_iam((SELECT s.iam_id FROM source s WHERE s.source_id = v_source), true);
        END IF;
        PERFORM push_open(v_letter.letter_id);
        v_opened := v_opened + 1;
        EXIT WHEN v_opened = 200;
    END LOOP;
    RETURN v_opened;
END $$;
COMMENT ON FUNCTION roster_private.retry_waiting_events IS 'Applies events whose subject is there by now: some of one source and key in each call. Returns how many it tried; call it again until none are left.';

CREATE VIEW roster.dead_letters AS
SELECT l.letter_id AS dead_letter_id, s.source, l.event_id, l.origin, l.type, l.subject, l.state, l.reason, l.received_at, l.data, l.occurred_at
FROM roster_private.push_letter l JOIN roster_private.source s USING (source_id);

CREATE FUNCTION roster_private.check_letter(p_dead_letter_id bigint) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM push_letter l WHERE l.letter_id = p_dead_letter_id) THEN
        RAISE EXCEPTION 'there is no dead letter %', p_dead_letter_id
            USING ERRCODE = 'undefined_object', HINT = 'Argument "dead_letter_id": see roster.dead_letters.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_letter IS 'Refuses a letter that is not there.';

CREATE FUNCTION roster.retry_dead_letter(dead_letter_id bigint) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    PERFORM check_letter(retry_dead_letter.dead_letter_id);
    RETURN coalesce(push_open(retry_dead_letter.dead_letter_id), 'applied');
END $$;
COMMENT ON FUNCTION roster.retry_dead_letter IS 'Tries an event of roster.dead_letters again, with its old time, and returns what became of it: applied, late, waiting or dead. Errors: 42704 unknown letter.';

CREATE FUNCTION roster.discard_dead_letter(dead_letter_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    PERFORM check_letter(discard_dead_letter.dead_letter_id);
    UPDATE push_event e SET outcome = 'discarded' FROM push_letter l
    WHERE l.letter_id = discard_dead_letter.dead_letter_id AND e.source_id = l.source_id AND e.origin = l.origin AND e.event_id = l.event_id;
    DELETE FROM push_letter l WHERE l.letter_id = discard_dead_letter.dead_letter_id;
END $$;
COMMENT ON FUNCTION roster.discard_dead_letter IS 'Forgets an event of roster.dead_letters: it is not applied. Errors: 42704 unknown letter.';

CREATE FUNCTION roster_private.purge_push() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_rows   bigint;
    v_purged bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(lock_class('push'), 1) THEN
        RETURN 0;
    END IF;
    DELETE FROM push_event e WHERE e.received_at < clock_timestamp() - interval '30 days';
    GET DIAGNOSTICS v_purged = ROW_COUNT;
    DELETE FROM push_seen n WHERE n.seen_at < clock_timestamp() - interval '30 days';
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_purged := v_purged + v_rows;
    DELETE FROM push_letter l WHERE l.received_at < clock_timestamp() - interval '90 days';
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_purged + v_rows;
END $$;
COMMENT ON FUNCTION roster_private.purge_push IS 'Forgets ids of events and of signed requests after 30 days, letters after 90. Returns how many rows.';

CREATE FUNCTION roster_private.close_push(p_source_id integer) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    DELETE FROM push_event e WHERE e.source_id = p_source_id;
    DELETE FROM push_seen n WHERE n.source_id = p_source_id;
    DELETE FROM push_order o WHERE o.source_id = p_source_id;
    DELETE FROM push_letter l WHERE l.source_id = p_source_id;
END $$;
COMMENT ON FUNCTION roster_private.close_push IS 'Forgets what belongs to a push source that is dropped.';

-- Nobody reads a push source, so what its configuration means is checked where it is set.
CREATE FUNCTION roster_private.check_push(p_config jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    IF coalesce(p_config -> 'match_by', '"username"') NOT IN ('"username"', '"external_id"', '"email"') THEN
        RAISE EXCEPTION 'config key "match_by" must be username, external_id or email, not %', p_config -> 'match_by'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It says by what the source calls users; without it, by username.';
    ELSIF jsonb_typeof(p_config -> 'create_users') <> 'boolean' THEN
        RAISE EXCEPTION 'config key "create_users" must be true or false, not %', p_config -> 'create_users'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'True: users whom nobody knows are created.';
    ELSIF jsonb_typeof(p_config -> 'prefix') <> 'string' OR is_blank(p_config ->> 'prefix') OR octet_length(p_config ->> 'prefix') > 200 THEN
        RAISE EXCEPTION 'config key "prefix" must be a text of at most 200 bytes, not %', p_config -> 'prefix'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'With "prefix": "hr", attribute x becomes hr.x.';
    ELSIF jsonb_typeof(p_config -> 'rate_limit') <> 'number' OR (p_config ->> 'rate_limit')::numeric < 1 THEN
        RAISE EXCEPTION 'config key "rate_limit" must be a whole number of at least 1, not %', p_config -> 'rate_limit'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It is the number of requests per second of a key.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_push IS 'Refuses a configuration of a push source that means nothing.';
