-- Waits until changes of a live directory are effective. Returns the time at which they were, as seconds.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS live CASCADE;
CREATE SCHEMA live;
-- A snapshot for each look: the procedure commits in between.
CREATE PROCEDURE live.wait_for(title text, people text[], INOUT seen numeric DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    v_begun timestamptz := clock_timestamp();
BEGIN
    LOOP
        EXIT WHEN (SELECT count(*) FROM roster.effective_attributes a
                   WHERE a.username = ANY (wait_for.people) AND a.name = 'title' AND a.value = wait_for.title)
                  = cardinality(wait_for.people);
        COMMIT;
        PERFORM pg_sleep(0.002);
        IF clock_timestamp() > v_begun + interval '60 s' THEN
            RAISE EXCEPTION '% is not effective after a minute', wait_for.title;
        END IF;
    END LOOP;
    wait_for.seen := extract(epoch FROM clock_timestamp());
END $$;
