-- Single changes, each committed: in the group of everybody and, in turns with it, in a small one. Medians in
-- milliseconds and rows written. One line each: name|number. psql variable: small, the name of a small group.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SELECT set_config('bench.small', :'small', false) \g /dev/null
CREATE TEMP TABLE took (what text, milliseconds float8);

DO $$
DECLARE
    v_group text;
    v_began timestamptz;
BEGIN
    FOR v_user IN 1..100 LOOP
        FOREACH v_group IN ARRAY ARRAY['everyone', current_setting('bench.small')] LOOP
            v_began := clock_timestamp();
            PERFORM roster.add_member(v_group, 'u' || lpad(v_user::text, 7, '0'), 'corp');
            COMMIT;
            INSERT INTO took VALUES ('member_' || v_group, extract(epoch FROM clock_timestamp() - v_began) * 1000);
            COMMIT;
            v_began := clock_timestamp();
            PERFORM roster.add_group_attribute(v_group, 'bench', v_user::text, iam => 'corp');
            COMMIT;
            INSERT INTO took VALUES ('attribute_' || v_group, extract(epoch FROM clock_timestamp() - v_began) * 1000);
            COMMIT;
        END LOOP;
    END LOOP;
END $$;

-- Counted are the rows of the transaction and those not reported yet, of which there must be none. What is deferred
-- to the commit has to be done before.
SELECT pg_stat_force_next_flush() \g /dev/null
BEGIN;
SELECT roster.add_member('everyone', 'u0000000', 'corp') \g /dev/null
SET CONSTRAINTS ALL IMMEDIATE;
SELECT 'member_rows', sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE schemaname = 'roster_private';
ROLLBACK;
SELECT pg_stat_force_next_flush() \g /dev/null
BEGIN;
SELECT roster.add_group_attribute('everyone', 'bench', 'counted', iam => 'corp') \g /dev/null
SET CONSTRAINTS ALL IMMEDIATE;
SELECT 'attribute_rows', sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables WHERE schemaname = 'roster_private';
ROLLBACK;

SELECT replace(t.what, current_setting('bench.small'), 'small'), round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.milliseconds))::numeric, 3)
FROM took t GROUP BY t.what;
