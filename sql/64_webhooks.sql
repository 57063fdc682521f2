-- Webhooks: set up by administrators. What is delivered and when is in 66_webhook_deliveries.sql.

CREATE FUNCTION roster_private.webhook_events() RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT ARRAY['attributeAdded', 'attributeRemoved', 'attributeUpdated', 'userAdded', 'userChanged', 'userRemoved',
                       'groupAdded', 'groupChanged', 'groupRemoved', 'memberAdded', 'memberRemoved'] $$;
COMMENT ON FUNCTION roster_private.webhook_events IS 'What a webhook can be told of.';

CREATE FUNCTION roster_private.clean_events(p_events text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_unknown text := (SELECT coalesce(e, 'NULL') FROM unnest(p_events) e WHERE e IS NULL OR e <> ALL (webhook_events()) LIMIT 1);
BEGIN
    IF v_unknown IS NOT NULL THEN
        RAISE EXCEPTION 'argument "events" has unknown event "%"', v_unknown
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Events are: %s.', array_to_string(webhook_events(), ', '));
    END IF;
    RETURN nullif(ARRAY(SELECT e FROM unnest(webhook_events()) e WHERE e = ANY (p_events)), '{}');
END $$;
COMMENT ON FUNCTION roster_private.clean_events IS 'Distinct known events, NULL for all; an error that names what is not one.';

-- The error must not repeat the address: it may contain what nobody should see.
CREATE FUNCTION roster_private.check_webhook_url(p_url text, p_allow_clear_text boolean) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_part text[] := regexp_match(p_url, '^(https?)://([^/?#\s@]*@)?(\[[0-9a-fA-F:.]+\]|[^][/?#\s@:]+)(:[0-9]{1,5})?([/?][^\s#]*)?$', 'i');
BEGIN
    IF v_part IS NULL OR p_url ~ '[[:cntrl:]]' OR length(p_url) > 2000 THEN
        RAISE EXCEPTION 'argument "url" is not the address of a webhook'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass a URL such as ''https://hooks.example.org/roster''.';
    END IF;
    IF v_part[2] IS NOT NULL THEN
        RAISE EXCEPTION 'argument "url" must not contain a user name or password'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Deliveries are signed: pass argument "secret", and verify the signature.';
    END IF;
    IF lower(v_part[1]) = 'http' AND NOT p_allow_clear_text AND lower(v_part[3]) !~ '^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$' THEN
        RAISE EXCEPTION 'argument "url" would send identities in clear text'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Use https, or pass allow_clear_text => true if the network in between is safe.';
    END IF;
END $$;
COMMENT ON FUNCTION roster_private.check_webhook_url IS 'Refuses addresses that are none, that carry credentials, or that would be sent to without encryption beyond this machine.';

CREATE FUNCTION roster_private.shown_url(p_url text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT regexp_replace(p_url, '\?.*$', '?...') $$;
COMMENT ON FUNCTION roster_private.shown_url IS 'An address as it is shown: parameters may be credentials.';

CREATE FUNCTION roster_private.audit_webhook(p_change text, p_before roster_private.webhook, p_after roster_private.webhook) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    -- Of no identity manager, so that kept plans stay current.
    PERFORM record_config(single_run(0), p_change, 'webhook', coalesce(p_after.iam_id, p_before.iam_id), coalesce(p_after.label, p_before.label), NULL,
                          webhook_document(p_before), webhook_document(p_after));
    NOTIFY roster_changes;
END $$;
COMMENT ON FUNCTION roster_private.audit_webhook IS 'Audits a change of a webhook and wakes the daemons.';

CREATE FUNCTION roster_private.webhook_document(p_webhook roster_private.webhook) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT CASE WHEN p_webhook.label IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('url', shown_url(p_webhook.url),
        'events', p_webhook.events, 'secret', p_webhook.secret, 'enabled', p_webhook.enabled,
        'allow_clear_text', nullif(p_webhook.allow_clear_text, false))) END
$$;
COMMENT ON FUNCTION roster_private.webhook_document IS 'A webhook as it stands in before and after of a change; the secret is a reference.';

CREATE FUNCTION roster_private.find_webhook(p_label text) RETURNS roster_private.webhook
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_webhook webhook;
BEGIN
    SELECT w.* INTO v_webhook FROM webhook w WHERE w.label = clean_name('label', p_label) FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'webhook "%" does not exist', p_label
            USING ERRCODE = 'undefined_object', HINT = 'Argument "label": see roster.webhooks, or create it with roster.create_webhook().';
    END IF;
    RETURN v_webhook;
END $$;
COMMENT ON FUNCTION roster_private.find_webhook IS 'The webhook of that label, locked.';

CREATE FUNCTION roster.create_webhook(label text, iam text, url text, events text[] DEFAULT NULL, secret jsonb DEFAULT NULL,
                                      from_now boolean DEFAULT true, allow_clear_text boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam     iam := find_iam(create_webhook.iam);
    v_label   text := clean_label(create_webhook.label);
    v_webhook webhook;
BEGIN
    PERFORM check_webhook_url(create_webhook.url, coalesce(create_webhook.allow_clear_text, false));
    PERFORM check_secret('secret', create_webhook.secret);
    BEGIN
        INSERT INTO webhook AS w (label, iam_id, url, allow_clear_text, events, secret, position)
        VALUES (v_label, v_iam.iam_id, create_webhook.url, coalesce(create_webhook.allow_clear_text, false),
                clean_events(create_webhook.events), nullif(create_webhook.secret, 'null'),
                CASE WHEN coalesce(create_webhook.from_now, true) THEN feed_head() ELSE 0 END)
        RETURNING w.* INTO v_webhook;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'webhook "%" exists already', v_label
            USING ERRCODE = 'unique_violation', HINT = 'Argument "label": pick another, or see roster.alter_webhook().';
    END;
    PERFORM audit_webhook('add', NULL, v_webhook);
    RETURN v_webhook.webhook_id;
END $$;
COMMENT ON FUNCTION roster.create_webhook IS 'Has a URL told of the changes of an identity manager, and returns the id of the webhook. events: NULL = all, see docs/connectors/webhooks.md. secret: where the daemon finds the key that deliveries are signed with, {"env": "NAME"} or {"file": "name"}. from_now false: tells everything since the beginning of the feed. The URL is https; http to this machine, or where allow_clear_text says so. Errors: 42704 unknown iam, 22023 bad url, event or secret, 23505 label taken.';

CREATE FUNCTION roster.alter_webhook(label text, url text DEFAULT NULL, events text[] DEFAULT NULL, secret jsonb DEFAULT NULL,
                                     enabled boolean DEFAULT NULL, allow_clear_text boolean DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_before webhook := find_webhook(alter_webhook.label);
    v_after  webhook;
BEGIN
    PERFORM check_webhook_url(coalesce(alter_webhook.url, v_before.url), coalesce(alter_webhook.allow_clear_text, v_before.allow_clear_text));
    PERFORM check_secret('secret', alter_webhook.secret);
    UPDATE webhook w
    SET url = coalesce(alter_webhook.url, w.url), enabled = coalesce(alter_webhook.enabled, w.enabled),
        allow_clear_text = coalesce(alter_webhook.allow_clear_text, w.allow_clear_text),
        events = CASE WHEN alter_webhook.events IS NULL THEN w.events ELSE clean_events(alter_webhook.events) END,
        secret = CASE WHEN alter_webhook.secret IS NULL THEN w.secret ELSE nullif(alter_webhook.secret, 'null') END,
        trouble = NULL
    WHERE w.webhook_id = v_before.webhook_id RETURNING w.* INTO v_after;
    PERFORM audit_webhook('change', v_before, v_after);
END $$;
COMMENT ON FUNCTION roster.alter_webhook IS 'Changes a webhook; NULL leaves a property as it is. events ''{}'' = all, secret ''null'' = no signature. What happens while it is disabled is told when it is enabled again. Errors: 42704 unknown webhook, 22023 bad url, event or secret.';

CREATE FUNCTION roster.drop_webhook(label text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_webhook webhook := find_webhook(drop_webhook.label);
BEGIN
    DELETE FROM webhook w WHERE w.webhook_id = v_webhook.webhook_id;
    DELETE FROM webhook_delivery d WHERE d.webhook_id = v_webhook.webhook_id;
    DELETE FROM webhook_lease l WHERE l.webhook_id = v_webhook.webhook_id;
    PERFORM audit_webhook('remove', v_webhook, NULL);
END $$;
COMMENT ON FUNCTION roster.drop_webhook IS 'Drops a webhook with its log; what was not delivered yet never is. Errors: 42704 unknown webhook.';

CREATE FUNCTION roster.redeliver_webhook(label text, delivery_id bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_webhook webhook := find_webhook(redeliver_webhook.label);
    v_count   bigint;
BEGIN
    UPDATE webhook_delivery d
    SET state = 'pending', attempts = 0, tried_at = NULL, next_attempt_at = NULL, delivered_at = NULL, status = NULL, last_error = NULL
    WHERE d.webhook_id = v_webhook.webhook_id
      AND (redeliver_webhook.delivery_id IS NULL AND d.state = 'failed' OR d.delivery_id = redeliver_webhook.delivery_id AND d.state <> 'pending');
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF redeliver_webhook.delivery_id IS NOT NULL AND v_count = 0
       AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.webhook_id = v_webhook.webhook_id AND d.delivery_id = redeliver_webhook.delivery_id) THEN
        RAISE EXCEPTION 'webhook "%" has no delivery %', v_webhook.label, redeliver_webhook.delivery_id
            USING ERRCODE = 'undefined_object', HINT = 'Argument "delivery_id": see roster.webhook_deliveries.';
    END IF;
    PERFORM record_config(single_run(0), 'change', 'webhook', v_webhook.iam_id, v_webhook.label, 'redeliver', NULL,
                          jsonb_strip_nulls(jsonb_build_object('deliveries', v_count, 'delivery_id', redeliver_webhook.delivery_id)));
    NOTIFY roster_changes;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION roster.redeliver_webhook IS 'Has all failed deliveries of a webhook tried again, or the one of that id, delivered or failed; returns how many. Errors: 42704 unknown webhook or delivery.';


CREATE VIEW roster.webhooks AS
SELECT w.label, i.iam, roster_private.shown_url(w.url) AS url, w.events, w.enabled, w.created_at, w.position, d.pending, d.failed,
       d.last_delivered_at, coalesce(w.trouble, e.last_error) AS last_error,
       greatest(clock_timestamp() - least(d.oldest, n.at), '0') AS lag
FROM roster_private.webhook w
JOIN roster_private.iam i ON i.iam_id = w.iam_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE d.state = 'pending') AS pending, count(*) FILTER (WHERE d.state = 'failed') AS failed,
           max(d.delivered_at) AS last_delivered_at, min(d.occurred_at) FILTER (WHERE d.state = 'pending') AS oldest
    FROM roster_private.webhook_delivery d WHERE d.webhook_id = w.webhook_id) d
LEFT JOIN LATERAL (
    SELECT d.last_error FROM roster_private.webhook_delivery d
    WHERE d.webhook_id = w.webhook_id AND d.state IN ('pending', 'failed') AND d.last_error IS NOT NULL
    ORDER BY d.state = 'pending' DESC, d.delivery_id DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (
    SELECT r.at FROM roster_private.run r WHERE r.first_change_id > w.position ORDER BY r.first_change_id LIMIT 1) n ON true;

CREATE VIEW roster.webhook_deliveries AS
SELECT d.delivery_id, w.label AS webhook, d.change_id, d.event, d.subject, d.state, d.attempts,
       CASE WHEN d.state = 'pending' THEN coalesce(d.next_attempt_at, d.queued_at) END AS next_attempt_at,
       d.delivered_at, d.status, d.last_error
FROM roster_private.webhook_delivery d
JOIN roster_private.webhook w ON w.webhook_id = d.webhook_id;
