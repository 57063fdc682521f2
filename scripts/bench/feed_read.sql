-- The whole feed in pages of a thousand.
\set ON_ERROR_STOP on
DO $$
DECLARE
    v_last bigint := 0;
    v_next bigint;
BEGIN
    LOOP
        SELECT max(c.change_id) INTO v_next FROM roster.read_changes(v_last, 1000) c;
        EXIT WHEN v_next IS NULL;
        v_last := v_next;
    END LOOP;
END $$;
