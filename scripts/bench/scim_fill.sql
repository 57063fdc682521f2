-- Users from `first` to `last`, written by the function that the daemon calls, a hundred in a transaction.
\set ON_ERROR_STOP on
SELECT set_config('bench.first', :'first', false), set_config('bench.last', :'last', false) \g /dev/null
DO $$
DECLARE
    t     yardstick.template;
    v_number bigint := current_setting('bench.first');
BEGIN
    SELECT * INTO t FROM yardstick.template;
    WHILE v_number <= current_setting('bench.last')::bigint LOOP
        PERFORM roster_private.scim_put_user(t.source_id, 'bench', gen_random_uuid(), true, NULL, true,
            yardstick.numbered(t.document, v_number)::jsonb, yardstick.numbered(t.search, v_number)::jsonb,
            yardstick.numbered(t.username, v_number), yardstick.numbered(t.external_id, v_number),
            yardstick.numbered(t.display_name, v_number), yardstick.numbered(t.email, v_number), yardstick.numbered(t.profile, v_number)::jsonb,
            true, t.names, ARRAY(SELECT yardstick.numbered(v, v_number) FROM unnest(t.values) v), '{}', '{}', '{}');
        IF v_number % 100 = 0 THEN
            COMMIT;
        END IF;
        v_number := v_number + 1;
    END LOOP;
END $$;
