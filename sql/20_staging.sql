-- Staging (what a source says) and plan (what differs), both cut into slots: a run has one slot for itself, so that it
-- can be analysed and truncated without touching another run's rows. Slot 0 of the plan is logged: it holds plans
-- that wait for somebody. Staging is unlogged: what a crash empties is noticed by the counts of the run.

CREATE TABLE roster_private.staged_entity (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, present boolean NOT NULL, key uuid NOT NULL,
    external_id text, name text, display_name text, email text, profile jsonb, active boolean, fingerprint uuid,
    reference uuid, uid_reference uuid, primary_group uuid
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_entity IS 'Users and groups that are new or changed at the source, and (present = false) those that it no longer has. A run that looked at a part only may state what is unchanged too.';

CREATE TABLE roster_private.staged_value (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, key uuid NOT NULL, name text NOT NULL, value text NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_value IS 'All attribute values of the staged entities (kind user or group), and the platform usernames of the staged users (kind platform: name = platform).';

CREATE TABLE roster_private.staged_edge (
    slot smallint NOT NULL, run_id bigint NOT NULL, group_key uuid NOT NULL, kind text NOT NULL, member_key uuid NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_edge IS 'All direct members (kind user or group) of the staged groups.';

CREATE TABLE roster_private.staged_pending (
    slot smallint NOT NULL, run_id bigint NOT NULL, group_key uuid NOT NULL, reference uuid NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_pending IS 'All references that the staged groups list and that lead to nobody.';

CREATE TABLE roster_private.staged_quarantine (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, key text NOT NULL, reason text, entry jsonb, entry_key uuid
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_quarantine IS 'Entries that could not be taken, with why; reason NULL = fine again. entry_key = key of the entry, where its immutable id is known. Those of plans that wait are in slot 0.';

-- kind: present (the user exists at the source; value = etag), touched (look at this user: with nothing else, the entry is
-- gone), same (unchanged), kept (could not be read: counts as present, leave everything), attribute (value NULL = has
-- none), group (name = group name). The rows of a user replace all that the source stated about that user.
CREATE TABLE roster_private.staged_fact (
    slot smallint NOT NULL, run_id bigint NOT NULL, who text, kind text NOT NULL, name text, value text, problem text
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_fact IS 'What a fact source says about users whom it calls who. A row with a problem is quarantined for that reason.';

CREATE TABLE roster_private.staged_subject (
    slot smallint NOT NULL, run_id bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('stated', 'kept', 'twice', 'gone', 'unknown', 'confirmed')),
    key text NOT NULL, who text, fingerprint uuid, etag text, linked_id bigint
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_subject IS 'Entries of a fact source that need a look, one row per user: stated (differs from last time), kept, twice (stated by several rows), gone, unknown (nobody has that name) and confirmed (unchanged, where that is recorded per user). linked_id = whom the entry meant so far.';

CREATE TABLE roster_private.plan_entity (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL,
    op text NOT NULL CHECK (op IN ('add', 'change', 'remove', 'keep', 'release')),
    id bigint NOT NULL, version integer, owner_id integer, claim text CHECK (claim IN ('set', 'drop', 'miss')), key uuid,
    external_id text, name text, name_key text, display_name text, email text, profile jsonb,
    active boolean, claim_active boolean, fingerprint uuid, reference uuid, uid_reference uuid, primary_group uuid
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_entity IS 'What becomes of a user or group. version = the one that the plan saw, NULL = new; op release = gives up its name to another; op keep = only the claim changes; claim miss = its grace begins.';

CREATE TABLE roster_private.plan_value (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, op text NOT NULL CHECK (op IN ('add', 'remove')),
    id bigint NOT NULL, name text NOT NULL, value text NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_value IS 'Attribute values to open and to close; kind and id name the user or group. Kind platform: platform usernames, id = user, name = platform.';

CREATE TABLE roster_private.plan_edge (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, op text NOT NULL CHECK (op IN ('add', 'remove')),
    group_id bigint NOT NULL, member_id bigint NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_edge IS 'Memberships (kind user) and nestings (kind group) to open and to close.';

CREATE TABLE roster_private.plan_pending (
    slot smallint NOT NULL, run_id bigint NOT NULL, group_key uuid NOT NULL, reference uuid NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_pending IS 'All references that the planned groups list and that lead to nobody.';

CREATE TABLE roster_private.plan_link (
    slot smallint NOT NULL, run_id bigint NOT NULL, op text NOT NULL CHECK (op IN ('set', 'drop', 'confirm')),
    key text NOT NULL, user_id bigint NOT NULL, fingerprint uuid, etag text
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_link IS 'Links of a fact source to write (set), to end (drop; user_id = whom it meant) and to confirm.';

DO $$
DECLARE
    v_table text;
    v_slot  integer;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['staged_entity', 'staged_value', 'staged_edge', 'staged_pending', 'staged_quarantine', 'staged_fact',
                                   'staged_subject', 'plan_entity', 'plan_value', 'plan_edge', 'plan_pending', 'plan_link'] LOOP
        FOR v_slot IN 1..16 LOOP
            EXECUTE format('CREATE UNLOGGED TABLE roster_private.%I PARTITION OF roster_private.%I FOR VALUES IN (%s)',
                           v_table || '_' || v_slot, v_table, v_slot);
        END LOOP;
    END LOOP;
    FOREACH v_table IN ARRAY ARRAY['plan_entity', 'plan_value', 'plan_edge', 'plan_pending', 'plan_link', 'staged_quarantine'] LOOP
        EXECUTE format('CREATE TABLE roster_private.%I PARTITION OF roster_private.%I FOR VALUES IN (0)', v_table || '_0', v_table);
        EXECUTE format('CREATE INDEX ON roster_private.%I (run_id)', v_table || '_0');
    END LOOP;
END $$;

-- A small sample tells how many rows there are, which is what the plans turn on.
CREATE FUNCTION roster_private.analyze_slot(p_slot smallint, p_prefix text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp SET default_statistics_target = 10
    AS $$
DECLARE
    v_part text;
BEGIN
    FOREACH v_part IN ARRAY ARRAY['entity', 'value', 'edge', 'pending'] LOOP
        EXECUTE format('ANALYZE roster_private.%I', p_prefix || '_' || v_part || '_' || p_slot);
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.analyze_slot IS 'Statistics for one slot of the staging or plan tables (prefix staged or plan).';

CREATE FUNCTION roster_private.clear_slot(p_slot smallint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_table text;
    v_size  bigint;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['staged_entity', 'staged_value', 'staged_edge', 'staged_pending', 'staged_quarantine', 'staged_fact',
                                   'staged_subject', 'plan_entity', 'plan_value', 'plan_edge', 'plan_pending', 'plan_link'] LOOP
        -- To truncate is to make new files and have them flushed, which takes longer than a small run.
        v_size := pg_relation_size(format('roster_private.%I', v_table || '_' || p_slot));
        IF v_size > 262144 THEN
            EXECUTE format('TRUNCATE roster_private.%I', v_table || '_' || p_slot);
        ELSIF v_size > 0 THEN
            EXECUTE format('DELETE FROM roster_private.%I', v_table || '_' || p_slot);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.clear_slot IS 'Empties one slot of staging and plan.';
