-- Staging (what a source says) and plan (what differs), both cut into slots: a run has one slot for itself, so that it
-- can be analysed and truncated without touching another run's rows. Slot 0 of the plan is logged: it holds plans
-- that wait for somebody. Staging is unlogged: what a crash empties is noticed by the counts of the run.

CREATE TABLE roster_private.staged_entity (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, present boolean NOT NULL, key uuid NOT NULL,
    external_id text, name text, display_name text, email text, profile jsonb, active boolean, fingerprint uuid
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_entity IS 'Users and groups that are new or changed at the source, and (present = false) those that it no longer has.';

CREATE TABLE roster_private.staged_value (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, key uuid NOT NULL, name text NOT NULL, value text NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_value IS 'All attribute values of the staged entities.';

CREATE TABLE roster_private.staged_edge (
    slot smallint NOT NULL, run_id bigint NOT NULL, group_key uuid NOT NULL, kind text NOT NULL, member_key uuid NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_edge IS 'All direct members (kind user or group) of the staged groups.';

CREATE TABLE roster_private.staged_quarantine (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, key text NOT NULL, reason text NOT NULL, entry jsonb
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.staged_quarantine IS 'Entries that could not be taken, with why.';

CREATE TABLE roster_private.plan_entity (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL,
    op text NOT NULL CHECK (op IN ('add', 'change', 'remove', 'keep', 'release')),
    id bigint NOT NULL, version integer, owner_id integer, claim text CHECK (claim IN ('set', 'drop')), key uuid,
    external_id text, name text, name_key text, display_name text, email text, profile jsonb,
    active boolean, claim_active boolean, fingerprint uuid
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_entity IS 'What becomes of a user or group. version = the one that the plan saw, NULL = new; op release = gives up its name to another; op keep = only the claim changes.';

CREATE TABLE roster_private.plan_value (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, op text NOT NULL CHECK (op IN ('add', 'remove')),
    id bigint NOT NULL, name text NOT NULL, value text NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_value IS 'Attribute values to open and to close; kind and id name the user or group.';

CREATE TABLE roster_private.plan_edge (
    slot smallint NOT NULL, run_id bigint NOT NULL, kind text NOT NULL, op text NOT NULL CHECK (op IN ('add', 'remove')),
    group_id bigint NOT NULL, member_id bigint NOT NULL
) PARTITION BY LIST (slot);
COMMENT ON TABLE roster_private.plan_edge IS 'Memberships (kind user) and nestings (kind group) to open and to close.';

DO $$
DECLARE
    v_table text;
    v_slot  integer;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['staged_entity', 'staged_value', 'staged_edge', 'staged_quarantine',
                                   'plan_entity', 'plan_value', 'plan_edge'] LOOP
        FOR v_slot IN 1..16 LOOP
            EXECUTE format('CREATE UNLOGGED TABLE roster_private.%I PARTITION OF roster_private.%I FOR VALUES IN (%s)',
                           v_table || '_' || v_slot, v_table, v_slot);
        END LOOP;
    END LOOP;
    FOREACH v_table IN ARRAY ARRAY['plan_entity', 'plan_value', 'plan_edge'] LOOP
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
    FOREACH v_part IN ARRAY ARRAY['entity', 'value', 'edge'] LOOP
        EXECUTE format('ANALYZE roster_private.%I', p_prefix || '_' || v_part || '_' || p_slot);
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.analyze_slot IS 'Statistics for one slot of the staging or plan tables (prefix staged or plan).';

CREATE FUNCTION roster_private.clear_slot(p_slot smallint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['staged_entity', 'staged_value', 'staged_edge', 'staged_quarantine',
                                   'plan_entity', 'plan_value', 'plan_edge'] LOOP
        -- Nothing staged is the usual case, and TRUNCATE would write even then.
        IF pg_relation_size(format('roster_private.%I', v_table || '_' || p_slot)) > 0 THEN
            EXECUTE format('TRUNCATE roster_private.%I', v_table || '_' || p_slot);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION roster_private.clear_slot IS 'Empties one slot of staging and plan.';
