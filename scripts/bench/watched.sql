-- Changes a watched table, waits until each change is effective, and keeps median and 99th percentile of the seconds.
-- psql variable: seconds.
\set ON_ERROR_STOP on
CREATE PROCEDURE watched.measure(seconds integer) LANGUAGE plpgsql AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + make_interval(secs => seconds);
    v_begun timestamptz;
    v_n     integer := 0;
    v_times double precision[] := '{}';
BEGIN
    WHILE clock_timestamp() < v_until LOOP
        v_n := v_n + 1;
        DELETE FROM watched.attributes WHERE username = 'u0000000';
        INSERT INTO watched.attributes VALUES ('u0000000', 'watched', v_n::text);
        v_begun := clock_timestamp();
        COMMIT;
        LOOP
            EXIT WHEN EXISTS (SELECT FROM roster.effective_attributes
                              WHERE username = 'u0000000' AND name = 'watched' AND value = v_n::text);
            COMMIT;
            PERFORM pg_sleep(0.002);
            IF clock_timestamp() > v_begun + interval '60 s' THEN
                RAISE EXCEPTION 'change % of the watched table is not effective after a minute', v_n;
            END IF;
        END LOOP;
        v_times := v_times || extract(epoch FROM clock_timestamp() - v_begun)::double precision;
        COMMIT;
        PERFORM pg_sleep(0.1);
        COMMIT;
    END LOOP;
    INSERT INTO watched.seen
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t), percentile_cont(0.99) WITHIN GROUP (ORDER BY t) FROM unnest(v_times) t;
END $$;
CALL watched.measure(:seconds);
