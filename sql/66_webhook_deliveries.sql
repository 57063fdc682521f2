-- Delivering webhooks: changes become deliveries in the order of the feed, together with the position up to which they did. One daemon
-- at a time has a webhook; what it may send next, and what came of it, it asks and tells here.

CREATE TYPE roster_private.held_webhook AS (webhook_id integer, label text, url text, secret jsonb, allow_clear_text boolean);
COMMENT ON TYPE roster_private.held_webhook IS 'A webhook that a daemon delivers.';

CREATE FUNCTION roster_private.hold_webhooks(holder uuid, seconds double precision) RETURNS SETOF roster_private.held_webhook
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    INSERT INTO webhook_lease AS l (webhook_id, holder, until)
    SELECT w.webhook_id, hold_webhooks.holder, clock_timestamp() + make_interval(secs => hold_webhooks.seconds)
    FROM webhook w WHERE w.enabled ORDER BY w.webhook_id
    ON CONFLICT (webhook_id) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE l.holder = excluded.holder OR l.until < clock_timestamp();
    RETURN QUERY
    SELECT w.webhook_id, w.label, w.url, w.secret, w.allow_clear_text
    FROM webhook w JOIN webhook_lease l USING (webhook_id)
    WHERE w.enabled AND l.holder = hold_webhooks.holder ORDER BY w.webhook_id;
END $$;
COMMENT ON FUNCTION roster_private.hold_webhooks IS 'Takes the webhooks that no other daemon has, keeps those that this one has for another while, and returns them.';

CREATE FUNCTION roster_private.release_webhooks(holder uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ DELETE FROM webhook_lease l WHERE l.holder = release_webhooks.holder $$;
COMMENT ON FUNCTION roster_private.release_webhooks IS 'Leaves all webhooks of a daemon to the others.';

CREATE FUNCTION roster_private.holds_webhook(p_webhook_id integer, p_holder uuid) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT EXISTS (SELECT FROM webhook_lease l JOIN webhook w USING (webhook_id)
                   WHERE l.webhook_id = p_webhook_id AND l.holder = p_holder AND l.until > clock_timestamp() AND w.enabled)
$$;
COMMENT ON FUNCTION roster_private.holds_webhook IS 'Whether a daemon may deliver a webhook at this moment.';

-- Filling ---------------------------------------------------------------------------------------------------------------

CREATE TYPE roster_private.webhook_event AS (
    change_id bigint, event text, about text, about_id bigint, subject text, iam text, occurred_at timestamptz, data jsonb);
COMMENT ON TYPE roster_private.webhook_event IS 'One thing to tell; about and about_id = whose order it keeps.';

-- Values of an attribute are told once per run, at the first of its changes, wherever in the run the others are.
CREATE FUNCTION roster_private.events_of(p_piece roster_private.feed_piece, p_iam_id integer) RETURNS SETOF roster_private.webhook_event
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp SET jit = off SET enable_seqscan = off
    SET max_parallel_workers_per_gather = 0
    AS $$
BEGIN
    RETURN QUERY
    WITH told AS MATERIALIZED (
        SELECT e.*, CASE WHEN e.kind IN ('user', 'user_attribute') THEN 'user' ELSE 'group' END AS about,
               CASE WHEN e.kind IN ('user', 'user_attribute') THEN e.user_id ELSE e.group_id END AS about_id
        FROM feed_rows(p_piece.run_ids, p_piece.first_no, p_piece.last_no) e
        WHERE e.iam_id = p_iam_id AND e.kind IN ('user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute')
    ), attribute AS MATERIALIZED (
        SELECT DISTINCT t.of_run, t.about, t.about_id, t.name FROM told t WHERE t.kind IN ('user_attribute', 'group_attribute')
    ), step AS (
        SELECT a.of_run, a.about, a.about_id, a.name, v.no, v.is_add, v.value
        FROM attribute a CROSS JOIN LATERAL (
            SELECT f.opened_no AS no, true AS is_add, f.value FROM user_attribute f
             WHERE a.about = 'user' AND f.user_id = a.about_id AND f.name = a.name AND f.opened_run = a.of_run
            UNION ALL
            SELECT f.opened_no, true, f.value FROM user_attribute_history f
             WHERE a.about = 'user' AND f.user_id = a.about_id AND f.name = a.name AND f.opened_run = a.of_run
            UNION ALL
            SELECT f.closed_no, false, f.value FROM user_attribute_history f
             WHERE a.about = 'user' AND f.user_id = a.about_id AND f.name = a.name AND f.closed_run = a.of_run
            UNION ALL
            SELECT f.opened_no, true, f.value FROM group_attribute f
             WHERE a.about = 'group' AND f.group_id = a.about_id AND f.name = a.name AND f.opened_run = a.of_run
            UNION ALL
            SELECT f.opened_no, true, f.value FROM group_attribute_history f
             WHERE a.about = 'group' AND f.group_id = a.about_id AND f.name = a.name AND f.opened_run = a.of_run
            UNION ALL
            SELECT f.closed_no, false, f.value FROM group_attribute_history f
             WHERE a.about = 'group' AND f.group_id = a.about_id AND f.name = a.name AND f.closed_run = a.of_run) v
    ), net AS (
        -- Added and taken back within the run: nothing to tell. Taken and given back: stated anew, with another validity.
        SELECT s.of_run, s.about, s.about_id, s.name, s.value, min(s.no) AS no,
               (array_agg(s.is_add ORDER BY s.no DESC))[1] AS is_added, NOT (array_agg(s.is_add ORDER BY s.no))[1] AS is_removed
        FROM step s GROUP BY s.of_run, s.about, s.about_id, s.name, s.value
    ), value AS (
        SELECT n.of_run, n.about, n.about_id, n.name, min(n.no) AS no,
               jsonb_agg(n.value ORDER BY n.value COLLATE "C") FILTER (WHERE n.is_added) AS added,
               jsonb_agg(n.value ORDER BY n.value COLLATE "C") FILTER (WHERE n.is_removed) AS removed
        FROM net n GROUP BY n.of_run, n.about, n.about_id, n.name
    ), event AS (
        SELECT t.change_id, CASE WHEN v.removed IS NULL THEN 'attributeAdded' WHEN v.added IS NULL THEN 'attributeRemoved' ELSE 'attributeUpdated' END AS event,
               t.about, t.about_id, t.subject, t.iam, t.changed_at, t.about AS kind, t.name, v.added, v.removed,
               NULL::jsonb AS before, NULL::jsonb AS after, t.run_id, t.actor, t.source
        FROM value v JOIN told t ON t.of_run = v.of_run AND t.no = v.no
        WHERE v.added IS NOT NULL OR v.removed IS NOT NULL
        UNION ALL
        SELECT t.change_id,
               CASE t.kind WHEN 'user' THEN 'user' WHEN 'group' THEN 'group' ELSE 'member' END
               || CASE t.change WHEN 'add' THEN 'Added' WHEN 'remove' THEN 'Removed' ELSE 'Changed' END,
               t.about, t.about_id, t.subject, t.iam, t.changed_at, CASE t.kind WHEN 'membership' THEN 'user' WHEN 'nesting' THEN 'group' ELSE t.kind END,
               t.name, NULL, NULL, t.before, t.after, t.run_id, t.actor, t.source
        FROM told t WHERE t.kind NOT IN ('user_attribute', 'group_attribute')
    )
    SELECT e.change_id, e.event, e.about, e.about_id, e.subject, e.iam, e.changed_at,
           jsonb_build_object('iam', e.iam, 'kind', e.kind, 'name', e.name, 'added', coalesce(e.added, '[]'), 'removed', coalesce(e.removed, '[]'),
                              'before', e.before, 'after', e.after, 'change_id', e.change_id, 'run_id', e.run_id, 'actor', e.actor, 'source', e.source)
    FROM event e ORDER BY e.change_id;
END $$;
COMMENT ON FUNCTION roster_private.events_of IS 'What a stretch of the feed has to tell of an identity manager, in order.';

CREATE FUNCTION roster_private.fill_webhook(webhook_id integer, holder uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_webhook webhook;
    v_piece   feed_piece;
BEGIN
    SELECT w.* INTO v_webhook FROM webhook w WHERE w.webhook_id = fill_webhook.webhook_id FOR UPDATE;
    IF NOT holds_webhook(fill_webhook.webhook_id, fill_webhook.holder) THEN
        RETURN NULL;
    END IF;
    -- What waits stays in the feed, where it takes no room.
    IF (SELECT count(*) FROM webhook_delivery d WHERE d.webhook_id = fill_webhook.webhook_id AND d.state = 'pending') > 10000 THEN
        RETURN false;
    END IF;
    v_piece := feed_piece(v_webhook.position, 1000, v_webhook.iam_id);
    IF v_piece.upto IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO webhook_delivery (webhook_id, change_id, event, about, about_id, subject, iam, occurred_at, data)
    SELECT v_webhook.webhook_id, e.change_id, e.event, e.about, e.about_id, e.subject, e.iam, e.occurred_at, e.data
    FROM events_of(v_piece, v_webhook.iam_id) e WHERE v_webhook.events IS NULL OR e.event = ANY (v_webhook.events);
    UPDATE webhook w SET position = v_piece.upto WHERE w.webhook_id = v_webhook.webhook_id;
    RETURN true;
END $$;
COMMENT ON FUNCTION roster_private.fill_webhook IS 'Turns the next changes of the feed into deliveries. True: there may be more; NULL: the webhook is not this daemon''s any more.';

-- Sending ---------------------------------------------------------------------------------------------------------------

CREATE TYPE roster_private.due_delivery AS (
    delivery_id bigint, change_id bigint, event text, about text, about_id bigint, subject text, iam text, occurred_at timestamptz, data jsonb);
COMMENT ON TYPE roster_private.due_delivery IS 'A delivery to send now.';

-- A delivery waits while an earlier one about the same user or group waits to be tried again.
CREATE FUNCTION roster_private.due_deliveries(webhook_id integer, holder uuid, taken bigint[], count integer) RETURNS SETOF roster_private.due_delivery
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET enable_seqscan = off SET jit = off
    AS $$
    SELECT d.delivery_id, d.change_id, d.event, d.about, d.about_id, d.subject, d.iam, d.occurred_at, d.data
    FROM webhook_delivery d
    WHERE d.webhook_id = due_deliveries.webhook_id AND d.state = 'pending' AND d.delivery_id <> ALL (due_deliveries.taken)
      AND NOT EXISTS (SELECT FROM webhook_delivery b
                      WHERE b.webhook_id = d.webhook_id AND b.state = 'pending' AND b.next_attempt_at > clock_timestamp()
                        AND b.about = d.about AND b.about_id = d.about_id AND b.delivery_id <= d.delivery_id)
      AND holds_webhook(due_deliveries.webhook_id, due_deliveries.holder)
    ORDER BY d.delivery_id LIMIT due_deliveries.count
$$;
COMMENT ON FUNCTION roster_private.due_deliveries IS 'What can be sent now, in order, without those already taken. Nothing when the webhook is not this daemon''s.';

CREATE FUNCTION roster_private.note_deliveries(ids bigint[], statuses integer[], errors text[], pauses double precision[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    UPDATE webhook_delivery d
    SET attempts = d.attempts + 1, tried_at = coalesce(d.tried_at, clock_timestamp()), status = o.status, last_error = o.error,
        state = CASE WHEN o.error IS NULL THEN 'delivered' WHEN d.tried_at < clock_timestamp() - interval '3 days' THEN 'failed' ELSE 'pending' END,
        delivered_at = CASE WHEN o.error IS NULL THEN clock_timestamp() END,
        -- 1 s, 2 s, 4 s and so on to an hour, give or take a quarter; later when the receiver asks for it.
        next_attempt_at = clock_timestamp() + make_interval(secs => least(3600, greatest(o.pause,
            2 ^ least(d.attempts, 12) * (0.75 + random() / 2))))
    FROM unnest(note_deliveries.ids, note_deliveries.statuses, note_deliveries.errors, note_deliveries.pauses) o(id, status, error, pause)
    WHERE d.delivery_id = o.id AND d.state = 'pending'
$$;
COMMENT ON FUNCTION roster_private.note_deliveries IS 'Notes what came of deliveries: error NULL = taken, else tried again, for three days. pause: seconds that the receiver asked for.';

CREATE FUNCTION roster_private.retry_webhook(webhook_id integer, holder uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    UPDATE webhook_delivery d SET next_attempt_at = clock_timestamp()
    WHERE d.webhook_id = retry_webhook.webhook_id AND d.state = 'pending' AND d.next_attempt_at > clock_timestamp()
      AND holds_webhook(retry_webhook.webhook_id, retry_webhook.holder)
$$;
COMMENT ON FUNCTION roster_private.retry_webhook IS 'Has everything tried again at once: the receiver is back.';

CREATE FUNCTION roster_private.note_webhook_trouble(webhook_id integer, trouble text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    UPDATE webhook w SET trouble = note_webhook_trouble.trouble
    WHERE w.webhook_id = note_webhook_trouble.webhook_id AND w.trouble IS DISTINCT FROM note_webhook_trouble.trouble
$$;
COMMENT ON FUNCTION roster_private.note_webhook_trouble IS 'Notes why nothing can be sent; NULL: it can.';

CREATE FUNCTION roster_private.purge_deliveries(webhook_id integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET enable_seqscan = off
    AS $$
DECLARE
    v_state  text;
    v_beyond bigint;
    v_rows   bigint;
    v_purged bigint := 0;
BEGIN
    FOREACH v_state IN ARRAY ARRAY['delivered', 'failed'] LOOP
        -- Looked up once: the log may have grown by many thousands since the last time.
        SELECT d.delivery_id INTO v_beyond FROM webhook_delivery d
        WHERE d.webhook_id = purge_deliveries.webhook_id AND d.state = v_state ORDER BY d.delivery_id DESC OFFSET 10000 LIMIT 1;
        DELETE FROM webhook_delivery d
        WHERE d.webhook_id = purge_deliveries.webhook_id AND d.state = v_state
          AND (d.delivery_id <= v_beyond OR coalesce(d.delivered_at, d.next_attempt_at) < clock_timestamp() - interval '30 days');
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_purged := v_purged + v_rows;
    END LOOP;
    RETURN v_purged;
END $$;
COMMENT ON FUNCTION roster_private.purge_deliveries IS 'Deletes what the log of a webhook need not keep: older than 30 days, or beyond the newest 10,000 that were delivered, and as many that failed. Returns how many rows.';

CREATE TYPE roster_private.webhook_lag AS (label text, "position" bigint, pending bigint, failed bigint, lag_seconds double precision);
COMMENT ON TYPE roster_private.webhook_lag IS 'How far a webhook is behind; lag_seconds = age of the oldest change that it was not told of (0: none).';

CREATE FUNCTION roster_private.webhook_lag() RETURNS SETOF roster_private.webhook_lag
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
    SELECT w.label, w.position, w.pending, w.failed, coalesce(extract(epoch FROM w.lag), 0)::float8 FROM roster.webhooks w ORDER BY w.label COLLATE "C"
$$;
COMMENT ON FUNCTION roster_private.webhook_lag IS 'How far each webhook is behind.';
