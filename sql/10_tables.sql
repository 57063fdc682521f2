-- Private tables: origins, runs, facts and their history, what is derived from them.
-- No foreign keys: pg_restore loads the tables of an extension in any order and in parallel; a test looks for orphans.

CREATE SEQUENCE roster_private.iam_id_seq AS integer START WITH 2;
CREATE SEQUENCE roster_private.source_id_seq AS integer START WITH 2;
CREATE SEQUENCE roster_private.run_id_seq;
CREATE SEQUENCE roster_private.user_id_seq;
CREATE SEQUENCE roster_private.group_id_seq;

-- Origins ------------------------------------------------------------------------------------------------------------

CREATE TABLE roster_private.iam (
    iam_id         integer PRIMARY KEY DEFAULT nextval('roster_private.iam_id_seq'),
    iam            text NOT NULL CHECK (iam <> ''),
    kind           text NOT NULL,
    display_name   text,
    enabled        boolean NOT NULL DEFAULT true,
    case_sensitive boolean NOT NULL,
    options        jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT now(),
    dropped_at     timestamptz
);
COMMENT ON TABLE roster_private.iam IS 'Identity managers. Row 1 is the built-in one: made by the extension, never dumped by pg_dump. A dropped one stays, so that history keeps its name.';
CREATE UNIQUE INDEX iam_name ON roster_private.iam (iam) WHERE dropped_at IS NULL;
INSERT INTO roster_private.iam (iam_id, iam, kind, display_name, case_sensitive)
VALUES (1, 'builtin', 'builtin', 'Built-in identity manager', true);

CREATE TABLE roster_private.source (
    source_id   integer PRIMARY KEY DEFAULT nextval('roster_private.source_id_seq'),
    source      text NOT NULL CHECK (source <> ''),
    iam_id      integer NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('ldap', 'scim', 'table', 'endpoint', 'push', 'login', 'manual')),
    config      jsonb NOT NULL DEFAULT '{}',
    schedule    text,
    time_zone   text NOT NULL DEFAULT 'UTC',
    next_run_at timestamptz,
    run_timeout interval NOT NULL DEFAULT '4 hours' CHECK (run_timeout >= '0'),
    retry_after interval NOT NULL DEFAULT '1 minute' CHECK (retry_after > '0'),
    priority    integer NOT NULL DEFAULT 0,
    enabled     boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    dropped_at  timestamptz
);
COMMENT ON TABLE roster_private.source IS 'What feeds facts. Row 1 is "manual": facts stated by SQL calls, in every identity manager. A dropped source stays, so that history keeps its name.';
CREATE UNIQUE INDEX source_name ON roster_private.source (source) WHERE dropped_at IS NULL;
INSERT INTO roster_private.source (source_id, source, iam_id, kind) VALUES (1, 'manual', 1, 'manual');

CREATE TABLE roster_private.guard (
    source_id   integer NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute')),
    max_count   bigint NOT NULL CHECK (max_count >= 0),
    max_percent numeric NOT NULL CHECK (max_percent BETWEEN 0 AND 100),
    PRIMARY KEY (source_id, kind)
);
COMMENT ON TABLE roster_private.guard IS 'Limits on removals that differ from the default of 50 or 10 %.';

-- Runs ---------------------------------------------------------------------------------------------------------------

CREATE TABLE roster_private.run (
    run_id          bigint PRIMARY KEY,
    xact            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    begun           timestamptz NOT NULL DEFAULT transaction_timestamp(),
    at              timestamptz,
    actor           text NOT NULL,
    source_id       integer NOT NULL,
    iam_ids         integer[] NOT NULL,
    single          boolean NOT NULL,
    changes         integer NOT NULL DEFAULT 0,
    first_change_id bigint
);
COMMENT ON TABLE roster_private.run IS 'One row per transaction that changed something: a source''s applied run, or the single calls of one transaction (single). at = when it took effect: its commit, or for an applied run the moment after it had its lock. The changes of a run are numbered first_change_id + ordinal once the run is visible.';
CREATE INDEX run_at ON roster_private.run (at);
CREATE INDEX run_numbered ON roster_private.run (first_change_id);

CREATE TABLE roster_private.sync_run (
    run_id       bigint PRIMARY KEY,
    source_id    integer NOT NULL,
    mode         text NOT NULL CHECK (mode IN ('apply', 'plan')),
    trigger      text NOT NULL CHECK (trigger IN ('schedule', 'manual', 'event', 'login')),
    state        text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'blocked', 'cancelled')),
    drops_source boolean NOT NULL DEFAULT false,
    unattended   boolean NOT NULL DEFAULT false,
    slot         smallint,
    queued_at    timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    read         bigint NOT NULL DEFAULT 0,
    added        bigint NOT NULL DEFAULT 0,
    changed      bigint NOT NULL DEFAULT 0,
    removed      bigint NOT NULL DEFAULT 0,
    quarantined  bigint NOT NULL DEFAULT 0,
    message      text,
    kept_rows    bigint,
    base         pg_snapshot,
    base_at      timestamptz
);
COMMENT ON TABLE roster_private.sync_run IS 'Runs of sources. unattended = a daemon took it up by itself, nobody waits for it. kept_rows, base and base_at belong to a plan that waits for apply_run: how many rows it has and what it was computed from.';
CREATE INDEX sync_run_source ON roster_private.sync_run (source_id, run_id DESC);
CREATE INDEX sync_run_open ON roster_private.sync_run (state) WHERE state IN ('queued', 'running');

CREATE TABLE roster_private.config_change (
    run_id  bigint NOT NULL,
    no      integer NOT NULL,
    change  text NOT NULL CHECK (change IN ('add', 'change', 'remove')),
    kind    text NOT NULL,
    iam_id  integer,
    subject text NOT NULL,
    name    text,
    before  jsonb,
    after   jsonb,
    PRIMARY KEY (run_id, no)
);
COMMENT ON TABLE roster_private.config_change IS 'Audit of what is not a fact: identity managers, sources, guards, overrides.';

CREATE TABLE roster_private.quarantined (
    source_id integer NOT NULL,
    kind      text NOT NULL,
    key       text NOT NULL,
    run_id    bigint NOT NULL,
    reason    text NOT NULL,
    entry     jsonb,
    entry_key uuid,
    PRIMARY KEY (source_id, kind, key)
);
COMMENT ON TABLE roster_private.quarantined IS 'Entries that could not be taken when their source was last asked about them; run_id = the run that found them so; entry_key = as in the claims, where the immutable id is known.';
CREATE INDEX quarantined_entry ON roster_private.quarantined (source_id, entry_key) WHERE entry_key IS NOT NULL;

-- Facts --------------------------------------------------------------------------------------------------------------
-- Every fact has one owner (source_id) and says which change stated it: run opened_run, ordinal opened_no in it.

CREATE TABLE roster_private.app_user (
    user_id        bigint PRIMARY KEY,
    iam_id         integer NOT NULL,
    source_id      integer NOT NULL,
    username       text NOT NULL CHECK (username <> ''),
    username_key   text,
    external_id    text,
    display_name   text,
    email          text,
    profile        jsonb NOT NULL DEFAULT '{}',
    active         boolean NOT NULL,
    admin_disabled boolean NOT NULL DEFAULT false,
    version        integer NOT NULL DEFAULT 1,
    created_run    bigint NOT NULL,
    opened_run     bigint NOT NULL,
    opened_no      integer NOT NULL,
    -- Checked at the end of a statement, so that users may swap their names in one.
    CONSTRAINT app_user_name UNIQUE (iam_id, username_key) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT app_user_external UNIQUE (iam_id, external_id)
);
COMMENT ON TABLE roster_private.app_user IS 'Accounts. source_id states the profile. username_key NULL = the user has left and somebody else has the name now.';
CREATE INDEX app_user_opened ON roster_private.app_user (opened_run, opened_no);
CREATE INDEX app_user_username ON roster_private.app_user (username);

CREATE TABLE roster_private.user_claim (
    source_id     integer NOT NULL,
    key           uuid NOT NULL,
    user_id       bigint NOT NULL,
    active        boolean NOT NULL,
    fingerprint   uuid,
    reference     uuid,
    uid_reference uuid,
    primary_group uuid,
    missing_since timestamptz,
    PRIMARY KEY (source_id, key)
);
COMMENT ON TABLE roster_private.user_claim IS 'Which source says that a user exists. key = 128-bit digest of the immutable id there; fingerprint = digest of all it stated, NULL = compare in full next time. reference, uid_reference = what groups of the source call the user; primary_group = key of the group that the user names; missing_since = when the source no longer had the user, who stays until the grace is over.';
CREATE INDEX user_claim_user ON roster_private.user_claim (user_id);

CREATE TABLE roster_private.app_group (
    group_id       bigint PRIMARY KEY,
    iam_id         integer NOT NULL,
    source_id      integer NOT NULL,
    group_name     text NOT NULL CHECK (group_name <> ''),
    group_name_key text,
    external_id    text,
    display_name   text,
    profile        jsonb NOT NULL DEFAULT '{}',
    active         boolean NOT NULL,
    version        integer NOT NULL DEFAULT 1,
    created_run    bigint NOT NULL,
    opened_run     bigint NOT NULL,
    opened_no      integer NOT NULL,
    CONSTRAINT app_group_name UNIQUE (iam_id, group_name_key) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT app_group_external UNIQUE (iam_id, external_id)
);
COMMENT ON TABLE roster_private.app_group IS 'Groups. A group that its source no longer has is inactive: invisible, but back with its manual facts when the same immutable id returns.';
CREATE INDEX app_group_opened ON roster_private.app_group (opened_run, opened_no);

CREATE TABLE roster_private.group_claim (
    source_id   integer NOT NULL,
    key         uuid NOT NULL,
    group_id    bigint NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    fingerprint uuid,
    reference   uuid,
    PRIMARY KEY (source_id, key)
);
COMMENT ON TABLE roster_private.group_claim IS 'As user_claim, for groups.';
CREATE INDEX group_claim_group ON roster_private.group_claim (group_id);

CREATE TABLE roster_private.membership (
    user_id     bigint NOT NULL,
    group_id    bigint NOT NULL,
    source_id   integer NOT NULL,
    opened_no   integer NOT NULL,
    opened_run  bigint NOT NULL,
    valid_from  timestamptz,
    valid_until timestamptz,
    PRIMARY KEY (user_id, group_id, source_id),
    CONSTRAINT membership_window CHECK (valid_from < valid_until)
);
COMMENT ON TABLE roster_private.membership IS 'User directly in group.';
CREATE INDEX membership_group ON roster_private.membership (group_id);
CREATE INDEX membership_opened ON roster_private.membership (opened_run, opened_no);

CREATE TABLE roster_private.nesting (
    parent_id  bigint NOT NULL,
    child_id   bigint NOT NULL,
    source_id  integer NOT NULL,
    opened_no  integer NOT NULL,
    opened_run bigint NOT NULL,
    PRIMARY KEY (parent_id, child_id, source_id),
    CONSTRAINT nesting_not_self CHECK (parent_id <> child_id)
);
COMMENT ON TABLE roster_private.nesting IS 'Group directly in group: the members of the child inherit what the parent has.';
CREATE INDEX nesting_child ON roster_private.nesting (child_id);
CREATE INDEX nesting_opened ON roster_private.nesting (opened_run, opened_no);

CREATE TABLE roster_private.user_attribute (
    user_id     bigint NOT NULL,
    source_id   integer NOT NULL,
    opened_no   integer NOT NULL,
    opened_run  bigint NOT NULL,
    valid_from  timestamptz,
    valid_until timestamptz,
    name        text NOT NULL CHECK (name <> ''),
    value       text NOT NULL,
    CONSTRAINT user_attribute_window CHECK (valid_from < valid_until)
);
COMMENT ON TABLE roster_private.user_attribute IS 'A value stated on a user.';
-- A value may be longer than an index row: the index holds its digest.
CREATE UNIQUE INDEX user_attribute_key ON roster_private.user_attribute (user_id, name, (md5(value)::uuid), source_id);
CREATE INDEX user_attribute_opened ON roster_private.user_attribute (opened_run, opened_no);

CREATE TABLE roster_private.group_attribute (
    group_id    bigint NOT NULL,
    source_id   integer NOT NULL,
    opened_no   integer NOT NULL,
    opened_run  bigint NOT NULL,
    valid_from  timestamptz,
    valid_until timestamptz,
    name        text NOT NULL CHECK (name <> ''),
    value       text NOT NULL,
    CONSTRAINT group_attribute_window CHECK (valid_from < valid_until)
);
COMMENT ON TABLE roster_private.group_attribute IS 'A value stated on a group.';
CREATE UNIQUE INDEX group_attribute_key ON roster_private.group_attribute (group_id, name, (md5(value)::uuid), source_id);
CREATE INDEX group_attribute_opened ON roster_private.group_attribute (opened_run, opened_no);

CREATE TABLE roster_private.user_permission (
    user_id     bigint NOT NULL,
    source_id   integer NOT NULL,
    opened_no   integer NOT NULL,
    opened_run  bigint NOT NULL,
    valid_from  timestamptz,
    valid_until timestamptz,
    origin      text NOT NULL CHECK (origin IN ('default', 'user')),
    permission  text NOT NULL CHECK (permission <> ''),
    PRIMARY KEY (user_id, permission, origin, source_id),
    CONSTRAINT user_permission_window CHECK (valid_from < valid_until)
);
COMMENT ON TABLE roster_private.user_permission IS 'A permission that a user has: given once at the first provisioning (default), or directly (user).';
CREATE INDEX user_permission_opened ON roster_private.user_permission (opened_run, opened_no);

CREATE TABLE roster_private.group_permission (
    iam_id      integer NOT NULL,
    source_id   integer NOT NULL,
    opened_no   integer NOT NULL,
    opened_run  bigint NOT NULL,
    valid_from  timestamptz,
    valid_until timestamptz,
    group_name  text NOT NULL CHECK (group_name <> ''),
    permission  text NOT NULL CHECK (permission <> ''),
    PRIMARY KEY (iam_id, group_name, permission),
    CONSTRAINT group_permission_window CHECK (valid_from < valid_until)
);
COMMENT ON TABLE roster_private.group_permission IS 'A permission that the members of a group have. By name: the group may arrive later.';
CREATE INDEX group_permission_opened ON roster_private.group_permission (opened_run, opened_no);

CREATE TABLE roster_private.platform_username (
    user_id           bigint NOT NULL,
    source_id         integer NOT NULL,
    opened_no         integer NOT NULL,
    opened_run        bigint NOT NULL,
    platform          text NOT NULL CHECK (platform <> ''),
    state             text NOT NULL CHECK (state IN ('value', 'none')),
    platform_username text,
    PRIMARY KEY (user_id, platform),
    CONSTRAINT platform_username_state CHECK ((state = 'value') = (platform_username IS NOT NULL AND platform_username <> ''))
);
COMMENT ON TABLE roster_private.platform_username IS 'How a user is called on a platform, or that the user does not exist there (none). No row = unset: falls back to the username.';
CREATE INDEX platform_username_name ON roster_private.platform_username (platform, platform_username);
CREATE INDEX platform_username_opened ON roster_private.platform_username (opened_run, opened_no);

-- What closes by itself is found by its end.
CREATE INDEX membership_until ON roster_private.membership (valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX user_attribute_until ON roster_private.user_attribute (valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX group_attribute_until ON roster_private.group_attribute (valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX user_permission_until ON roster_private.user_permission (valid_until) WHERE valid_until IS NOT NULL;
CREATE INDEX group_permission_until ON roster_private.group_permission (valid_until) WHERE valid_until IS NOT NULL;

-- Rules ---------------------------------------------------------------------------------------------------------------

CREATE TABLE roster_private.default_permission (
    iam_id     integer NOT NULL,
    permission text NOT NULL CHECK (permission <> ''),
    PRIMARY KEY (iam_id, permission)
);
COMMENT ON TABLE roster_private.default_permission IS 'What new users of an identity manager are given once.';

CREATE TABLE roster_private.merge_rule (
    name text PRIMARY KEY CHECK (name <> ''),
    rule text NOT NULL CHECK (rule IN ('union', 'nearest', 'priority'))
);
COMMENT ON TABLE roster_private.merge_rule IS 'How the values of an attribute combine; names without a row unite.';

CREATE TABLE roster_private.platform_rule (
    platform     text PRIMARY KEY CHECK (platform <> ''),
    case_rule    text NOT NULL CHECK (case_rule IN ('exact', 'insensitive')),
    fallback_ids integer[]
);
COMMENT ON TABLE roster_private.platform_rule IS 'How names compare on a platform, and whose users are called there by their username when nothing else is set (NULL = by default).';

-- Keys -----------------------------------------------------------------------------------------------------------------

CREATE SEQUENCE roster_private.api_key_id_seq;
CREATE TABLE roster_private.api_key (
    key_id       bigint PRIMARY KEY DEFAULT nextval('roster_private.api_key_id_seq'),
    label        text NOT NULL CHECK (label <> ''),
    prefix       text NOT NULL,
    hash         bytea NOT NULL CONSTRAINT api_key_hash UNIQUE CHECK (octet_length(hash) = 32),
    iam_id       integer NOT NULL,
    source_id    integer,
    scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0),
    current      boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
COMMENT ON TABLE roster_private.api_key IS 'API keys: hash = SHA-256 of the whole key. current = the key that its label names; a rotated one is not, though it is valid until expires_at. source_id NULL = the only source that a scope can mean when the key is used.';
CREATE UNIQUE INDEX api_key_label ON roster_private.api_key (label) WHERE current;

-- Derived, kept current by refresh_groups() and refresh_group_attributes() -----------------------------------------------

CREATE TABLE roster_private.group_closure (
    group_id    bigint NOT NULL,
    ancestor_id bigint NOT NULL,
    depth       integer NOT NULL,
    via_id      bigint NOT NULL,
    PRIMARY KEY (group_id, ancestor_id)
);
COMMENT ON TABLE roster_private.group_closure IS 'Each active group with itself (depth 0) and every group it is in, at the shortest depth; via_id = the next group on one shortest way there.';
CREATE INDEX group_closure_ancestor ON roster_private.group_closure (ancestor_id);

CREATE TABLE roster_private.group_effective (
    group_id    bigint NOT NULL,
    carrier_id  bigint NOT NULL,
    depth       integer NOT NULL,
    source_id   integer NOT NULL,
    opened_run  bigint NOT NULL,
    valid_from  timestamptz,
    valid_until timestamptz,
    name        text NOT NULL,
    value       text NOT NULL
);
COMMENT ON TABLE roster_private.group_effective IS 'Each active group with every value that it carries or inherits; carrier_id = the group that carries it, depth steps above.';
CREATE UNIQUE INDEX group_effective_key
    ON roster_private.group_effective (group_id, name, (md5(value)::uuid), carrier_id, source_id);
CREATE INDEX group_effective_carrier ON roster_private.group_effective (carrier_id);
