-- Directories (sources of kind ldap) are also read in part, by what changed: what must be known beside the claims for a group
-- to be found that names somebody who comes, leaves or is renamed, and for a moved container to be noticed.

-- What groups and users of a source are called by its groups. NULL where the source has no such names.
CREATE INDEX user_claim_reference ON roster_private.user_claim (source_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX user_claim_uid_reference ON roster_private.user_claim (source_id, uid_reference) WHERE uid_reference IS NOT NULL;
CREATE INDEX user_claim_primary_group ON roster_private.user_claim (source_id, primary_group) WHERE primary_group IS NOT NULL;
CREATE INDEX user_claim_missing ON roster_private.user_claim (source_id, missing_since) WHERE missing_since IS NOT NULL;
-- Who must be compared in full.
CREATE INDEX user_claim_again ON roster_private.user_claim (source_id) WHERE fingerprint IS NULL;
CREATE INDEX group_claim_reference ON roster_private.group_claim (source_id, reference) WHERE reference IS NOT NULL;

CREATE TABLE roster_private.member_pending (
    source_id integer NOT NULL,
    reference uuid NOT NULL,
    group_key uuid NOT NULL,
    former    boolean NOT NULL,
    PRIMARY KEY (source_id, reference, group_key)
);
COMMENT ON TABLE roster_private.member_pending IS 'References that groups list and that lead to nobody; former = that led to a member who is gone or called otherwise now, whether or not the group still lists it.';
CREATE INDEX member_pending_group ON roster_private.member_pending (source_id, group_key);
CREATE INDEX member_pending_former ON roster_private.member_pending (source_id) WHERE former;

CREATE TABLE roster_private.directory_container (
    source_id integer NOT NULL,
    key       uuid NOT NULL,
    reference uuid NOT NULL,
    PRIMARY KEY (source_id, key)
);
COMMENT ON TABLE roster_private.directory_container IS 'Organizational units and the like, by immutable id, with the digest of their DN: one that is renamed renames all below it, and only it is reported.';

ALTER TABLE roster_private.sync_run ADD COLUMN full_read boolean NOT NULL DEFAULT false;
ALTER TABLE roster_private.sync_run ADD COLUMN config_digest uuid;
ALTER TABLE roster_private.sync_run ADD COLUMN containers jsonb;
ALTER TABLE roster_private.sync_run ADD COLUMN removals jsonb;
-- When everything was last read on request is looked for at the end of each run that read a part.
CREATE INDEX sync_run_full_read ON roster_private.sync_run (source_id, queued_at) WHERE full_read;
CREATE INDEX sync_run_removals ON roster_private.sync_run (source_id, finished_at) WHERE removals IS NOT NULL;
COMMENT ON TABLE roster_private.sync_run IS 'Runs of sources. kept_rows, base and base_at belong to a plan that waits for apply_run: how many rows it has and what it was computed from. cursor, complete and containers: what source_state and directory_container say once it is applied; config_digest: of the configuration that it was started with. full_read: everything was to be read, whatever the cursor says. removals: by kind, how many more than it added an applied run that read a part took away, as long as the guard adds it to the next. xact: the transaction that runs it by sync_table_now.';
