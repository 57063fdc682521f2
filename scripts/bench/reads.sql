-- Reading: medians of one user's attributes in microseconds, seconds and rows of whole views. One line each: name|number.
-- psql variable: users.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SELECT setseed(0.42) \g /dev/null
CREATE TEMP TABLE picked AS
SELECT 'u' || lpad(floor(random() * :users)::text, 7, '0') AS username FROM generate_series(1, 2000);
CREATE TEMP TABLE took (what text, microseconds float8);
CREATE TEMP TABLE whole (what text, number float8);

-- Both in turns, user by user, as prepared statements run: PL/pgSQL keeps their plans.
DO $$
DECLARE
    v_username text;
    v_began    timestamptz;
    v_half     timestamptz;
    v_ended    timestamptz;
BEGIN
    FOR v_username IN SELECT p.username FROM picked p LOOP
        v_began := clock_timestamp();
        PERFORM e.name, e.value FROM roster.effective_attributes e WHERE e.iam = 'corp' AND e.username = v_username;
        v_half := clock_timestamp();
        PERFORM a.name, a.value
        FROM roster_private.iam i
        JOIN roster_private.app_user u ON u.iam_id = i.iam_id
        JOIN roster_private.user_attribute a ON a.user_id = u.user_id
        WHERE i.iam = 'corp' AND u.username = v_username AND u.active;
        v_ended := clock_timestamp();
        INSERT INTO took VALUES ('effective', extract(epoch FROM v_half - v_began) * 1e6), ('own', extract(epoch FROM v_ended - v_half) * 1e6);
    END LOOP;
END $$;

DO $$
DECLARE
    v_began timestamptz := clock_timestamp();
    v_rows  bigint;
BEGIN
    SELECT count(*) INTO v_rows FROM (
        SELECT e.username, e.value FROM roster.effective_attributes e WHERE e.iam = 'corp' AND e.name = 'territory') t;
    INSERT INTO whole VALUES ('one_name_rows', v_rows), ('one_name_seconds', extract(epoch FROM clock_timestamp() - v_began));
    v_began := clock_timestamp();
    SELECT count(*) INTO v_rows FROM roster.effective_attributes;
    INSERT INTO whole VALUES ('all_rows', v_rows), ('all_seconds', extract(epoch FROM clock_timestamp() - v_began));
END $$;

SELECT t.what, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.microseconds))::numeric, 1) FROM took t GROUP BY t.what
UNION ALL
SELECT w.what, round(w.number::numeric, 4) FROM whole w;
