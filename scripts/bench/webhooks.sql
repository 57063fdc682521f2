-- Changes, and a webhook that is told of each; prints deliveries a second. psql variables: changes, url.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\o /dev/null
SELECT roster.create_webhook('bench', 'corp', :'url', events => '{attributeAdded,attributeUpdated}');
SELECT roster.alter_webhook('bench', enabled => false);
\o
CREATE PROCEDURE watched.change(changes integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR v_n IN 1..changes LOOP
        PERFORM roster.set_user_attribute('u' || lpad((v_n % 1000)::text, 7, '0'), 'hooked', v_n::text, iam => 'corp');
        COMMIT;
    END LOOP;
END $$;
CALL watched.change(:changes);
CREATE PROCEDURE watched.deliver(changes integer, INOUT rate double precision) LANGUAGE plpgsql AS $$
DECLARE
    v_begun timestamptz := clock_timestamp();
BEGIN
    PERFORM roster.alter_webhook('bench', enabled => true);
    COMMIT;
    WHILE (SELECT count(*) FROM roster.webhook_deliveries d WHERE d.webhook = 'bench' AND d.state = 'delivered') < changes LOOP
        COMMIT;
        PERFORM pg_sleep(0.02);
        IF clock_timestamp() > v_begun + interval '5 minutes' THEN
            RAISE EXCEPTION 'not everything is delivered after five minutes';
        END IF;
    END LOOP;
    rate := changes / extract(epoch FROM clock_timestamp() - v_begun);
END $$;
CALL watched.deliver(:changes, NULL);
SELECT roster.drop_webhook('bench') \g /dev/null
