-- What pg_dump takes along: everything that cannot be made again, and the derived tables, so that a restored database
-- answers right away. Rows that CREATE EXTENSION makes itself are left out. Staging and plans are passing.

DO $$
DECLARE
    v_name text;
BEGIN
    -- Loaded with psql, without the extension, these are ordinary tables and dumped anyhow.
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_roster') THEN
        RETURN;
    END IF;
    FOREACH v_name IN ARRAY ARRAY[
        'iam_id_seq', 'source_id_seq', 'run_id_seq', 'user_id_seq', 'group_id_seq',
        'guard', 'run', 'sync_run', 'config_change', 'quarantined', 'source_retry',
        'app_user', 'user_claim', 'app_group', 'group_claim', 'membership', 'nesting', 'user_attribute', 'group_attribute',
        'app_user_history', 'app_group_history', 'membership_history', 'nesting_history', 'user_attribute_history', 'group_attribute_history',
        'user_permission', 'group_permission', 'platform_username',
        'user_permission_history', 'group_permission_history', 'platform_username_history',
        'default_permission', 'merge_rule', 'platform_rule',
        'user_password', 'api_key', 'api_key_id_seq',
        'scim_user', 'scim_group', 'scim_pending', 'scim_rid_seq',
        'push_event', 'push_seen', 'push_order', 'push_letter', 'push_arrival_seq', 'push_letter_id_seq',
        'user_link', 'source_state', 'watch_queue', 'watch_queue_id_seq',
        'member_pending', 'directory_container',
        'run_total',
        'webhook', 'webhook_id_seq', 'webhook_delivery', 'webhook_delivery_id_seq',
        'group_closure', 'group_effective'] LOOP
        PERFORM pg_extension_config_dump(format('roster_private.%I', v_name), '');
    END LOOP;
    PERFORM pg_extension_config_dump('roster_private.iam', 'WHERE iam_id > 1');
    PERFORM pg_extension_config_dump('roster_private.source', 'WHERE source_id > 1');
END $$;
