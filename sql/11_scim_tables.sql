-- What SCIM providers stated, as they see it: resources with ids of their own, beside the facts that follow from them.
-- Members are not kept twice: a member is a membership or a nesting, or it waits in scim_pending.

CREATE SEQUENCE roster_private.scim_rid_seq;

CREATE TABLE roster_private.scim_user (
    rid          bigint PRIMARY KEY DEFAULT nextval('roster_private.scim_rid_seq'),
    source_id    integer NOT NULL,
    scim_id      uuid NOT NULL CONSTRAINT scim_user_id UNIQUE,
    user_id      bigint NOT NULL,
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    modified_at  timestamptz NOT NULL,
    confirmed_at timestamptz NOT NULL,
    document     jsonb NOT NULL,
    search       jsonb NOT NULL,
    CONSTRAINT scim_user_user UNIQUE (user_id, source_id)
);
COMMENT ON TABLE roster_private.scim_user IS 'User resources. scim_id = the id that the provider knows, never used again; rid = order of creation; document = what the provider stated, without id, meta, groups and password; search = the same folded for filters; confirmed_at = when all of it was last stated at once (POST, PUT).';
CREATE INDEX scim_user_order ON roster_private.scim_user (source_id, rid);
-- Names compare as filters do; joined users, whose name is another source's, included.
CREATE UNIQUE INDEX scim_user_name ON roster_private.scim_user (source_id, (search ->> 'username'));
CREATE INDEX scim_user_external ON roster_private.scim_user (source_id, (search ->> 'externalid'));
-- A pending list would make the filter that follows a burst of new users slow.
CREATE INDEX scim_user_search ON roster_private.scim_user USING gin (search jsonb_path_ops) WITH (fastupdate = off);

CREATE TABLE roster_private.scim_group (
    rid          bigint PRIMARY KEY DEFAULT nextval('roster_private.scim_rid_seq'),
    source_id    integer NOT NULL,
    scim_id      uuid NOT NULL CONSTRAINT scim_group_id UNIQUE,
    group_id     bigint,
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    modified_at  timestamptz NOT NULL,
    confirmed_at timestamptz NOT NULL,
    document     jsonb NOT NULL,
    search       jsonb NOT NULL,
    CONSTRAINT scim_group_group UNIQUE (group_id, source_id)
);
COMMENT ON TABLE roster_private.scim_group IS 'Group resources, as scim_user. group_id NULL = the source does not take groups (sync_groups is off).';
CREATE INDEX scim_group_order ON roster_private.scim_group (source_id, rid);
CREATE UNIQUE INDEX scim_group_name ON roster_private.scim_group (source_id, (search ->> 'displayname'));
CREATE INDEX scim_group_search ON roster_private.scim_group USING gin (search jsonb_path_ops) WITH (fastupdate = off);

CREATE TABLE roster_private.scim_pending (
    group_rid bigint NOT NULL,
    value     text NOT NULL,
    scim_id   uuid,
    source_id integer NOT NULL,
    since     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (group_rid, value)
);
COMMENT ON TABLE roster_private.scim_pending IS 'Members that a provider stated and that are not effective: nobody of that id or externalId is there yet, or the source does not take groups. scim_id = the value as an id, when it can be one.';
CREATE INDEX scim_pending_value ON roster_private.scim_pending (source_id, value);
