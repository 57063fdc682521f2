-- What push sources sent: which events were seen, which could not be applied yet, and how new what is known is.

CREATE SEQUENCE roster_private.push_arrival_seq;
CREATE SEQUENCE roster_private.push_letter_id_seq;

CREATE TABLE roster_private.push_event (
    source_id   integer NOT NULL,
    origin      text NOT NULL,
    event_id    text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('applied', 'late', 'waiting', 'discarded')),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source_id, origin, event_id)
);
COMMENT ON TABLE roster_private.push_event IS 'Events that need not be looked at again, by CloudEvents source (origin) and id: what a repeat is told by. purge_push() forgets them.';
CREATE INDEX push_event_received ON roster_private.push_event (received_at);

CREATE TABLE roster_private.push_seen (
    source_id  integer NOT NULL,
    webhook_id text NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source_id, webhook_id)
);
COMMENT ON TABLE roster_private.push_seen IS 'Signed requests that were accepted, by webhook-id. purge_push() forgets them.';
CREATE INDEX push_seen_at ON roster_private.push_seen (seen_at);

CREATE TABLE roster_private.push_order (
    source_id   integer NOT NULL,
    facet       uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    arrival     bigint NOT NULL,
    PRIMARY KEY (source_id, facet)
);
COMMENT ON TABLE roster_private.push_order IS 'The newest event per facet of a subject (push_facet): an older one that arrives later does not count. Kept as long as the source, also for subjects that are gone.';

CREATE TABLE roster_private.push_letter (
    letter_id   bigint PRIMARY KEY DEFAULT nextval('roster_private.push_letter_id_seq'),
    source_id   integer NOT NULL,
    origin      text NOT NULL,
    event_id    text NOT NULL,
    part        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('waiting', 'dead')),
    reason      text NOT NULL,
    actor       text NOT NULL,
    type        text NOT NULL,
    subject     text,
    occurred_at timestamptz NOT NULL,
    arrival     bigint NOT NULL,
    data        jsonb,
    awaits      text CHECK (awaits IN ('user', 'group')),
    awaited     text[] NOT NULL DEFAULT '{}',
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT push_letter_event UNIQUE (source_id, origin, event_id, part)
);
COMMENT ON TABLE roster_private.push_letter IS 'Events, or what is left of them, that could not be applied: waiting for one of the users or groups in awaited (as the source calls them), or dead. part = group of a request that named several, else empty.';
CREATE INDEX push_letter_state ON roster_private.push_letter (state, letter_id);
CREATE INDEX push_letter_received ON roster_private.push_letter (received_at);

-- Sources may know users by their address.
CREATE INDEX IF NOT EXISTS app_user_email ON roster_private.app_user (iam_id, lower(email)) WHERE email IS NOT NULL;
