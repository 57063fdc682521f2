-- Waits until the daemon's sessions are gone: only then have they reported all that they did.
DO $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_stat_activity a WHERE a.usename = 'syncd_bench') LOOP
        PERFORM pg_sleep(0.01);
        PERFORM pg_stat_clear_snapshot();
    END LOOP;
END $$;
