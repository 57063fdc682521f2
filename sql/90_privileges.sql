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
        EXECUTE format('ALTER ROUTINE %s OWNER TO roster_owner', v_object.name);
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', v_object.name);
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
    roster.next_runs(text, integer),
    roster.explain_attribute(text, text, text, text),
    roster.group_members(text, text),
    roster.users_with_attribute(text, text)
TO roster_reader;
-- Views call functions with the rights of whoever reads them.
GRANT EXECUTE ON FUNCTION
    roster_private.user_document(text, text, text, text, boolean, jsonb),
    roster_private.group_document(text, text, text, jsonb),
    roster_private.window_document(timestamptz, timestamptz),
    roster_private.edge_kind(text),
    roster_private.guarded_kinds(),
    roster_private.platform_key(text, text),
    roster_private.max_age(jsonb),
    roster_private.name_key(text, boolean),
    roster_private.running_run(integer)
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
    roster.remove_group_attribute(text, text, text, text),
    roster.grant_permission(text, text, text, text, timestamptz, timestamptz),
    roster.revoke_permission(text, text, text, text),
    roster.set_default_permissions(text, text[]),
    roster.set_platform_username(text, text, text, text, text),
    roster.expire_due()
TO roster_user_admin;

-- roster_admin: identity managers, sources, guards, schedules, overrides.
GRANT EXECUTE ON FUNCTION
    roster.create_identity_manager(text, text, text, boolean, jsonb),
    roster.drop_identity_manager(text),
    roster.create_source(text, text, text, jsonb, text, integer, text, interval, interval),
    roster.alter_source(text, jsonb, text, integer, text, boolean, interval, interval),
    roster.drop_source(text, boolean),
    roster.set_guard(text, text, bigint, numeric),
    roster.set_merge_rule(text, text),
    roster.set_platform_rule(text, text, text[]),
    roster.schedule(text, text),
    roster.unschedule(text),
    roster.sync_now(text, boolean),
    roster.plan(text),
    roster.apply_run(bigint, boolean),
    roster.cancel_run(bigint),
    roster.retry_dead_letter(bigint),
    roster.discard_dead_letter(bigint)
TO roster_admin;

-- Credentials: who sets passwords, who checks them, who hands out keys, who takes them.
GRANT EXECUTE ON FUNCTION roster.set_password(text, text, text), roster.remove_password(text, text) TO roster_user_admin;
GRANT EXECUTE ON FUNCTION roster.authenticate(text, text, text) TO roster_authenticator;
GRANT EXECUTE ON FUNCTION
    roster.create_api_key(text, text, text[], text, timestamptz),
    roster.revoke_api_key(text),
    roster.rotate_api_key(text, interval)
TO roster_admin;
GRANT EXECUTE ON FUNCTION roster_private.use_api_key(text, text) TO roster_syncd;
GRANT EXECUTE ON FUNCTION roster_private.api_enter(text, text) TO roster_syncd;

-- SCIM: the daemon reads resources and writes them by these calls, each in the name of one source.
GRANT SELECT ON roster_private.scim_users, roster_private.scim_groups, roster_private.scim_members, roster_private.scim_user_groups,
    roster.scim_log TO roster_syncd;
GRANT EXECUTE ON FUNCTION
    roster_private.scim_enter(text, text),
    roster_private.scim_few_members(integer, uuid, bigint),
    roster_private.name_key(text, boolean),
    roster_private.scim_hold(integer, boolean, uuid),
    roster_private.name_key(text, boolean),
    roster_private.note_scim_refusal(integer, text, text, text, text, integer, text, text, jsonb, bigint),
    roster_private.purge_scim_log(),
    roster_private.scim_put_user(integer, text, uuid, boolean, bigint, boolean, jsonb, jsonb, text, text, text, text, jsonb, boolean,
                                 text[], text[], text[], text[], text[]),
    roster_private.scim_delete_user(integer, text, uuid, bigint),
    roster_private.scim_put_group(integer, text, uuid, boolean, bigint, jsonb, jsonb, text, text, text[], text[], boolean,
                                  boolean, text[], text[], text[], boolean),
    roster_private.scim_delete_group(integer, text, uuid, bigint)
TO roster_syncd;
-- Push and /user-info.
GRANT EXECUTE ON FUNCTION
    roster_private.push_event(integer, text, text, text, text, text, timestamptz, jsonb, text, text),
    roster_private.push_see(integer, text),
    roster_private.push_was_seen(integer, text),
    roster_private.retry_waiting_events(),
    roster_private.purge_push(),
    roster_private.read_user_info(integer, text)
TO roster_syncd;
-- Functions that take a password keep it out of the server log when they fail: they raise this setting while they run.
-- The grant belongs to the cluster, as the role does: another database may make it at this very moment.
DO $$
BEGIN
    IF NOT has_parameter_privilege('roster_owner', 'log_min_error_statement', 'SET') THEN
        GRANT SET ON PARAMETER log_min_error_statement TO roster_owner;
    END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN
    IF NOT has_parameter_privilege('roster_owner', 'log_min_error_statement', 'SET') THEN
        RAISE;
    END IF;
END $$;

-- roster_syncd: staging, the calls of a run, and what `syncd status` shows.
GRANT INSERT ON roster_private.staged_entity, roster_private.staged_value, roster_private.staged_edge,
    roster_private.staged_pending, roster_private.staged_quarantine TO roster_syncd;
GRANT EXECUTE ON FUNCTION
    roster_private.claim_run(text, text, text, boolean),
    roster_private.claim_next_run(),
    roster_private.next_due(),
    roster_private.source_config(text),
    roster_private.known_entities(bigint),
    roster_private.complete_run(bigint, bigint, bigint, bigint, bigint, bigint, text, bigint, boolean, jsonb, jsonb),
    roster_private.ldap_state(bigint),
    roster_private.ldap_members(bigint, uuid[]),
    roster_private.ldap_known(bigint, uuid[]),
    roster_private.ldap_waiting(bigint, uuid[]),
    roster_private.ldap_again(bigint),
    roster_private.ldap_containers(bigint),
    roster_private.hold_live(uuid),
    roster_private.release_live(uuid),
    roster_private.request_run(text),
    roster_private.end_run(bigint, text, text, boolean, boolean),
    roster_private.renew_leases(bigint[]),
    roster_private.running_run(integer),
    roster_private.number_changes(),
    roster.expire_due(),
    roster_private.user_document(text, text, text, text, boolean, jsonb),
    roster_private.group_document(text, text, text, jsonb),
    roster_private.window_document(timestamptz, timestamptz),
    roster_private.edge_kind(text)
TO roster_syncd;
GRANT SELECT ON roster.sources, roster.sync_runs, roster.sync_changes, roster.quarantine, roster.identity_managers TO roster_syncd;

-- Endpoints: whom to ask about. Tables: what syncd check looks at.
GRANT EXECUTE ON FUNCTION
    roster_private.endpoint_subjects(bigint),
    roster_private.endpoint_sample(text),
    roster_private.check_table_probe(text),
    roster_private.check_table_statement(text, jsonb),
    roster_private.unknown_users(text, text[])
TO roster_syncd;

-- The change feed over HTTP, webhooks.
GRANT EXECUTE ON FUNCTION
    roster.create_webhook(text, text, text, text[], jsonb, boolean, boolean),
    roster.alter_webhook(text, text, text[], jsonb, boolean, boolean),
    roster.drop_webhook(text),
    roster.redeliver_webhook(text, bigint)
TO roster_admin;
GRANT EXECUTE ON FUNCTION roster_private.shown_url(text) TO roster_reader;
GRANT EXECUTE ON FUNCTION
    roster_private.feed_head(),
    roster_private.feed_page(integer, bigint, integer, text[]),
    roster_private.feed_lag(),
    roster_private.hold_webhooks(uuid, double precision),
    roster_private.release_webhooks(uuid),
    roster_private.fill_webhook(integer, uuid),
    roster_private.due_deliveries(integer, uuid, bigint[], integer),
    roster_private.note_deliveries(bigint[], integer[], text[], double precision[]),
    roster_private.retry_webhook(integer, uuid),
    roster_private.note_webhook_trouble(integer, text),
    roster_private.purge_deliveries(integer),
    roster_private.webhook_lag()
TO roster_syncd;

-- Policy helpers: about oneself, so for everybody. To be somebody else is for connection pools.
GRANT EXECUTE ON FUNCTION
    roster.current_user_id(),
    roster.username(),
    roster.iam(),
    roster.attribute_values(text),
    roster.has_attribute(text, text),
    roster.has_attribute_under(text, text),
    roster.in_group(text),
    roster.in_all_groups(text[]),
    roster.has_permission(text)
TO PUBLIC;
GRANT SELECT ON roster.my_attributes, roster.my_groups, roster.my_profile TO PUBLIC;
GRANT EXECUTE ON FUNCTION roster.assume_user(text, text) TO roster_impersonator;

-- Fact sources. An administrator reads local tables with rights of their own, and only hands over what was read.
GRANT USAGE ON SCHEMA roster_private TO roster_admin;
GRANT INSERT ON roster_private.staged_fact TO roster_syncd, roster_admin;
GRANT EXECUTE ON FUNCTION
    roster_private.stage_table(bigint),
    roster_private.table_probe(bigint),
    roster_private.table_watermark(bigint, jsonb),
    roster_private.table_statement(bigint, jsonb, text),
    roster_private.probe_columns(text),
    roster_private.base_type(regtype),
    roster_private.run_slot(bigint),
    roster_private.name_key(text, boolean)
TO roster_syncd, roster_admin;
GRANT EXECUTE ON FUNCTION
    roster_private.complete_facts(bigint, bigint, bigint, boolean, jsonb, text),
    roster_private.watched_sources_due()
TO roster_syncd;
GRANT EXECUTE ON FUNCTION
    roster.sync_table_now(text),
    roster.watch_table(text),
    roster.unwatch_table(text),
    roster_private.begin_table_now(text),
    roster_private.finish_table_now(bigint, bigint, boolean, jsonb),
    roster_private.watched_relation(text),
    roster_private.watched_parts(text),
    roster_private.note_watched(integer),
    roster_private.queue_watched()
TO roster_admin;

-- What operators watch (roster_syncd: /metrics and syncd status), and what a declaration changes.
GRANT EXECUTE ON FUNCTION roster.source_states(boolean), roster.feed_state() TO roster_reader, roster_syncd;
GRANT EXECUTE ON FUNCTION roster_private.run_totals(), roster_private.run_buckets() TO roster_syncd;
GRANT EXECUTE ON FUNCTION roster.alter_identity_manager(text, text, boolean, jsonb) TO roster_admin;
