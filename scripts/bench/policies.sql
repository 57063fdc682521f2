-- Row-level security: has_attribute and, in turns with it, a literal list of the same 20 values, on 1,000,000 rows of which
-- 10,000 are seen. Medians in milliseconds. One line each: name|number.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\set literals '{T0000,T0100,T0200,T0300,T0400,T0500,T0600,T0700,T0800,T0900,T1000,T1100,T1200,T1300,T1400,T1500,T1600,T1700,T1800,T1900}'
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;

-- Each role has a policy of its own on the same tables. Roles outlive the database.
SELECT format('CREATE ROLE %I', r) FROM unnest(ARRAY['bench_reader', 'bench_literal']) AS r WHERE to_regrole(r) IS NULL
\gexec
SELECT roster.create_user('bench_reader', iam => 'corp')
WHERE NOT EXISTS (SELECT FROM roster.users u WHERE u.iam = 'corp' AND u.username = 'bench_reader') \g /dev/null
SELECT roster.set_platform_username('bench_reader', 'postgres', 'bench_reader', iam => 'corp') \g /dev/null
SELECT roster.set_user_attribute('bench_reader', 'territory', :'literals'::text[], iam => 'corp') \g /dev/null

DROP SCHEMA IF EXISTS guarded CASCADE;
CREATE SCHEMA guarded;
CREATE TABLE guarded.scanned (id int, territory text, amount int);
INSERT INTO guarded.scanned
SELECT i, 'T' || lpad((i::bigint * 7919 % 2000)::text, 4, '0'), i FROM generate_series(1, 1000000) i;
CREATE TABLE guarded.indexed AS TABLE guarded.scanned;
CREATE INDEX ON guarded.indexed (territory);
CREATE POLICY reader ON guarded.scanned TO bench_reader USING (roster.has_attribute('territory', territory));
CREATE POLICY reader ON guarded.indexed TO bench_reader USING (roster.has_attribute('territory', territory));
CREATE POLICY literal ON guarded.scanned TO bench_literal USING (territory = ANY (:'literals'::text[]));
CREATE POLICY literal ON guarded.indexed TO bench_literal USING (territory = ANY (:'literals'::text[]));
GRANT USAGE ON SCHEMA guarded TO bench_reader, bench_literal;
GRANT SELECT ON guarded.scanned, guarded.indexed TO bench_reader, bench_literal;
VACUUM ANALYZE guarded.scanned, guarded.indexed;
ANALYZE roster_private.app_user, roster_private.user_attribute, roster_private.platform_username;
CHECKPOINT;

PREPARE where_scan_ours AS SELECT count(amount) FROM guarded.scanned WHERE roster.has_attribute('territory', territory);
PREPARE where_scan_literal AS SELECT count(amount) FROM guarded.scanned WHERE territory = ANY (:'literals'::text[]);
PREPARE where_index_ours AS SELECT count(amount) FROM guarded.indexed WHERE roster.has_attribute('territory', territory);
PREPARE where_index_literal AS SELECT count(amount) FROM guarded.indexed WHERE territory = ANY (:'literals'::text[]);
PREPARE policy_scan_ours AS SELECT count(amount) FROM guarded.scanned;
PREPARE policy_scan_literal AS SELECT count(amount) FROM guarded.scanned;
PREPARE policy_index_ours AS SELECT count(amount) FROM guarded.indexed;
PREPARE policy_index_literal AS SELECT count(amount) FROM guarded.indexed;
PREPARE first_call_ours AS SELECT roster.has_attribute('territory', 'T0000')::int;
PREPARE first_call_literal AS SELECT 1;
CREATE TEMP TABLE took (what text, milliseconds float8);

-- One statement, timed, as one role: another role would have it planned anew.
-- Before it a commit: what a helper found out is forgotten with the transaction, and each statement loads it again.
CREATE PROCEDURE pg_temp.run(p_statement text, p_role text, p_rows bigint, INOUT took float8)
    LANGUAGE plpgsql AS $$
DECLARE
    v_began timestamptz;
    v_rows  bigint;
BEGIN
    COMMIT;
    PERFORM set_config('role', p_role, false);
    v_began := clock_timestamp();
    EXECUTE 'EXECUTE ' || p_statement INTO v_rows;
    took := extract(epoch FROM clock_timestamp() - v_began) * 1000;
    PERFORM set_config('role', 'none', false);
    ASSERT v_rows = p_rows, p_statement || ' saw ' || v_rows || ' rows';
END $$;

-- The first round only warms up plans and caches.
CREATE PROCEDURE pg_temp.compare(p_what text, p_rounds int, p_rows bigint DEFAULT 10000)
    LANGUAGE plpgsql AS $$
DECLARE
    v_ours    float8;
    v_literal float8;
BEGIN
    FOR v_round IN 0..p_rounds LOOP
        CALL pg_temp.run(p_what || '_ours', 'bench_reader', p_rows, v_ours);
        CALL pg_temp.run(p_what || '_literal', 'bench_literal', p_rows, v_literal);
        CONTINUE WHEN v_round = 0;
        INSERT INTO took VALUES (p_what || '_ours', v_ours), (p_what || '_literal', v_literal);
    END LOOP;
END $$;

CALL pg_temp.compare('where_scan', 9);
CALL pg_temp.compare('where_index', 101);
ALTER TABLE guarded.scanned ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded.indexed ENABLE ROW LEVEL SECURITY;
CALL pg_temp.compare('policy_scan', 9);
CALL pg_temp.compare('policy_index', 101);
CALL pg_temp.compare('first_call', 501, 1);

SELECT t.what, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.milliseconds))::numeric, 4) FROM took t GROUP BY t.what;
DROP SCHEMA guarded CASCADE;
