-- Webhooks: who is told of changes, what there is to tell, and who is telling it at this moment.

CREATE SEQUENCE roster_private.webhook_id_seq AS integer;
CREATE TABLE roster_private.webhook (
    webhook_id       integer PRIMARY KEY DEFAULT nextval('roster_private.webhook_id_seq'),
    label            text NOT NULL CONSTRAINT webhook_label UNIQUE CHECK (label <> ''),
    iam_id           integer NOT NULL,
    url              text NOT NULL,
    allow_clear_text boolean NOT NULL DEFAULT false,
    events           text[] CHECK (cardinality(events) > 0),
    secret           jsonb,
    enabled          boolean NOT NULL DEFAULT true,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    position         bigint NOT NULL,
    trouble          text
);
COMMENT ON TABLE roster_private.webhook IS 'Webhooks. position = the last change number that was turned into deliveries; events NULL = all; trouble = why nothing can be sent at all.';

CREATE SEQUENCE roster_private.webhook_delivery_id_seq;
CREATE TABLE roster_private.webhook_delivery (
    delivery_id     bigint PRIMARY KEY DEFAULT nextval('roster_private.webhook_delivery_id_seq'),
    webhook_id      integer NOT NULL,
    change_id       bigint NOT NULL,
    event           text NOT NULL,
    about           text NOT NULL CHECK (about IN ('user', 'group')),
    about_id        bigint NOT NULL,
    subject         text NOT NULL,
    iam             text NOT NULL,
    occurred_at     timestamptz NOT NULL,
    data            jsonb NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    queued_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    tried_at        timestamptz,
    next_attempt_at timestamptz,
    delivered_at    timestamptz,
    status          integer,
    last_error      text
);
COMMENT ON TABLE roster_private.webhook_delivery IS 'What a webhook is told, and how that went. Deliveries about one user or group (about, about_id) go one after the other, in the order of delivery_id. tried_at = first attempt; next_attempt_at NULL = never tried.';
CREATE INDEX webhook_delivery_state ON roster_private.webhook_delivery (webhook_id, state, delivery_id);
CREATE INDEX webhook_delivery_waiting ON roster_private.webhook_delivery (webhook_id, about, about_id, delivery_id)
    WHERE state = 'pending' AND next_attempt_at IS NOT NULL;

-- Nobody misses it after a crash: whoever comes by next takes it.
CREATE UNLOGGED TABLE roster_private.webhook_lease (
    webhook_id integer PRIMARY KEY,
    holder     uuid NOT NULL,
    until      timestamptz NOT NULL
);
COMMENT ON TABLE roster_private.webhook_lease IS 'Which daemon delivers a webhook, up to when by the clock of the database.';
