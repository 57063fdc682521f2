-- Who may do what: all of it stands here. Everything belongs to roster_owner, so SECURITY DEFINER means that role.

DO $$
DECLARE
    v_object record;
BEGIN
    FOR v_object IN
        SELECT c.relkind, c.oid::regclass AS name FROM pg_class c
        WHERE c.relnamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'S')
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO roster_owner',
                       CASE v_object.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, v_object.name);
    END LOOP;
    FOR v_object IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace)
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO roster_owner', v_object.name);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_object.name);
    END LOOP;
    FOR v_object IN
        SELECT t.oid::regtype AS name FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
        WHERE t.typnamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace)
    LOOP
        EXECUTE format('ALTER TYPE %s OWNER TO roster_owner', v_object.name);
    END LOOP;
END $$;

GRANT roster_reader TO roster_user_admin;
GRANT roster_user_admin TO roster_admin;

GRANT USAGE ON SCHEMA roster TO PUBLIC;
GRANT USAGE ON SCHEMA roster_private TO roster_syncd;

-- roster_reader: every public view, other people's data too.
GRANT SELECT ON ALL TABLES IN SCHEMA roster TO roster_reader;
GRANT EXECUTE ON FUNCTION
    roster_private.group_path(bigint, bigint),
    roster.read_changes(bigint, integer),
    roster.snapshot_hash(text),
    roster.next_runs(text, integer)
TO roster_reader;
-- Views call functions with the rights of whoever reads them.
GRANT EXECUTE ON FUNCTION
    roster_private.user_document(text, text, text, text, boolean, jsonb),
    roster_private.group_document(text, text, text, jsonb),
    roster_private.window_document(timestamptz, timestamptz),
    roster_private.edge_kind(text),
    roster_private.guarded_kinds()
TO roster_reader;
GRANT EXECUTE ON FUNCTION roster.version(), roster.api_version() TO PUBLIC;

-- roster_user_admin: users, groups, attributes.
GRANT EXECUTE ON FUNCTION
    roster.create_user(text, text, text, text, jsonb, text),
    roster.disable_user(text, text),
    roster.enable_user(text, text),
    roster.delete_user(text, text),
    roster.create_group(text, text, text, jsonb),
    roster.delete_group(text, text),
    roster.add_member(text, text, text, timestamptz, timestamptz),
    roster.remove_member(text, text, text),
    roster.add_subgroup(text, text, text),
    roster.remove_subgroup(text, text, text),
    roster.set_user_attribute(text, text, text, timestamptz, timestamptz, text),
    roster.set_user_attribute(text, text, text[], timestamptz, timestamptz, text),
    roster.add_user_attribute(text, text, text, timestamptz, timestamptz, text),
    roster.remove_user_attribute(text, text, text, text),
    roster.set_group_attribute(text, text, text, timestamptz, timestamptz, text),
    roster.set_group_attribute(text, text, text[], timestamptz, timestamptz, text),
    roster.add_group_attribute(text, text, text, timestamptz, timestamptz, text),
    roster.remove_group_attribute(text, text, text, text)
TO roster_user_admin;

-- roster_admin: identity managers, sources, guards, schedules, overrides.
GRANT EXECUTE ON FUNCTION
    roster.create_identity_manager(text, text, text, boolean, jsonb),
    roster.drop_identity_manager(text),
    roster.create_source(text, text, text, jsonb, text, integer, text),
    roster.alter_source(text, jsonb, text, integer, text, boolean),
    roster.drop_source(text, boolean),
    roster.set_guard(text, text, bigint, numeric),
    roster.schedule(text, text),
    roster.unschedule(text),
    roster.sync_now(text),
    roster.plan(text),
    roster.apply_run(bigint, boolean),
    roster.cancel_run(bigint)
TO roster_admin;

-- roster_syncd: staging, the calls of a run, and what `syncd status` shows.
GRANT INSERT ON roster_private.staged_entity, roster_private.staged_value, roster_private.staged_edge, roster_private.staged_quarantine TO roster_syncd;
GRANT EXECUTE ON FUNCTION
    roster_private.claim_run(text, text, text),
    roster_private.claim_next_run(),
    roster_private.next_due(),
    roster_private.source_config(text),
    roster_private.known_entities(bigint),
    roster_private.complete_run(bigint, bigint, bigint, bigint, bigint, bigint, text),
    roster_private.end_run(bigint, text, text),
    roster_private.number_changes(),
    roster_private.user_document(text, text, text, text, boolean, jsonb),
    roster_private.group_document(text, text, text, jsonb),
    roster_private.window_document(timestamptz, timestamptz),
    roster_private.edge_kind(text)
TO roster_syncd;
GRANT SELECT ON roster.sources, roster.sync_runs, roster.sync_changes, roster.quarantine, roster.identity_managers TO roster_syncd;
