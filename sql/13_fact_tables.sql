-- Fact sources (kinds table and endpoint) make statements about users who are somebody else's: whom each of their
-- entries means, what it stated, and how far they have been read.

CREATE TABLE roster_private.user_link (
    source_id    integer NOT NULL,
    key          text NOT NULL,
    user_id      bigint NOT NULL,
    fingerprint  uuid,
    etag         text,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, key)
);
COMMENT ON TABLE roster_private.user_link IS 'Whom an entry of a source means. key = what the source calls the user, in the form in which it is compared; fingerprint = digest of all that it stated, NULL = compare in full next time; etag = of the answer that stated it; confirmed_at = when it was last stated so (table sources: when it last changed, see source_state). No vote on whether the user exists: that is user_claim. The link of a deleted user stays until its entry was looked at again.';
CREATE INDEX user_link_user ON roster_private.user_link (user_id);

CREATE TABLE roster_private.source_state (
    source_id     integer PRIMARY KEY,
    cursor        jsonb,
    config_digest uuid,
    full_at       timestamptz,
    confirmed_at  timestamptz,
    salt          uuid NOT NULL DEFAULT gen_random_uuid()
);
COMMENT ON TABLE roster_private.source_state IS 'How far a source that is read has been read, committed with the data it stands for: cursor = where to go on, config_digest = of the configuration it was read with, full_at = start of the last complete reading, confirmed_at = start of the last successful one. salt = key of the digests in user_link.';

CREATE SEQUENCE roster_private.watch_queue_id_seq;
CREATE TABLE roster_private.watch_queue (
    queue_id  bigint PRIMARY KEY DEFAULT nextval('roster_private.watch_queue_id_seq'),
    source_id integer NOT NULL,
    who       text,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_run bigint
);
COMMENT ON TABLE roster_private.watch_queue IS 'Users whose rows changed in a watched table; who NULL = look at everything. taken_run = the run that looks, which deletes its rows when it is applied; rows queued meanwhile are the next run''s.';
CREATE INDEX watch_queue_source ON roster_private.watch_queue (source_id, taken_run);

-- What a kept plan carries on to source_state when it is applied.
ALTER TABLE roster_private.sync_run ADD COLUMN cursor jsonb;
ALTER TABLE roster_private.sync_run ADD COLUMN complete boolean;
ALTER TABLE roster_private.sync_run ADD COLUMN xact xid8;
COMMENT ON TABLE roster_private.sync_run IS 'Runs of sources. kept_rows, base and base_at belong to a plan that waits for apply_run: how many rows it has and what it was computed from. cursor and complete: what source_state says once it is applied (fact sources). xact: the transaction that runs it by sync_table_now.';
