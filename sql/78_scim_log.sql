-- What SCIM clients sent that was refused, or taken only in part: bounded, and without the values.

CREATE SEQUENCE roster_private.scim_refusal_id_seq;
CREATE TABLE roster_private.scim_refusal (
    refusal_id bigint PRIMARY KEY DEFAULT nextval('roster_private.scim_refusal_id_seq'),
    source_id  integer NOT NULL,
    iam        text,
    label      text,
    method     text,
    path       text,
    status     integer NOT NULL,
    scim_type  text,
    reason     text NOT NULL,
    shape      jsonb,
    digest     uuid NOT NULL,
    hour       timestamptz NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    count      bigint NOT NULL
);
COMMENT ON TABLE roster_private.scim_refusal IS 'Refused SCIM requests. source_id 0 = not known; equal ones (digest) of an hour are one row. purge_scim_log() keeps it small.';
CREATE UNIQUE INDEX scim_refusal_digest ON roster_private.scim_refusal (digest, hour);
CREATE INDEX scim_refusal_source ON roster_private.scim_refusal (source_id, refusal_id);

-- Anybody can ask for any name: an identity manager that does not exist is not noted.
CREATE FUNCTION roster_private.note_scim_refusal(p_source_id integer, p_iam text, p_label text, p_method text, p_path text, p_status integer,
                                                 p_scim_type text, p_reason text, p_shape jsonb, p_count bigint DEFAULT 1) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    text := (SELECT i.iam FROM iam i WHERE i.iam = coalesce(nullif(p_iam, 'bim'), 'builtin') AND i.dropped_at IS NULL);
    v_source integer := coalesce(p_source_id, 0);
    v_now    timestamptz := clock_timestamp();
BEGIN
    IF v_iam IS NULL AND p_label IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO scim_refusal AS r (source_id, iam, label, method, path, status, scim_type, reason, shape, digest, hour, first_at, last_at, count)
    VALUES (v_source, v_iam, p_label, p_method, p_path, p_status, p_scim_type, p_reason, p_shape,
            md5(ROW(v_source, v_iam, p_label, p_method, p_path, p_status, p_scim_type, p_reason, p_shape)::text)::uuid,
            date_trunc('hour', v_now, 'UTC'), v_now, v_now, p_count)
    ON CONFLICT (digest, hour) DO UPDATE SET count = r.count + excluded.count, last_at = excluded.last_at;
END $$;
COMMENT ON FUNCTION roster_private.note_scim_refusal IS 'Notes a refused request, p_count times. Nothing is noted that belongs to no known key or identity manager.';

CREATE VIEW roster.scim_log AS
SELECT r.last_at AS logged_at, r.iam, s.source, r.label, r.method, r.path, r.status, r.scim_type, r.reason, r.shape, r.count
FROM roster_private.scim_refusal r
LEFT JOIN roster_private.source s ON s.source_id = r.source_id;

CREATE FUNCTION roster_private.scim_log_kept() RETURNS bigint
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT 10000::bigint $$;
COMMENT ON FUNCTION roster_private.scim_log_kept IS 'How many rows of a source the log of refused requests keeps.';

-- Each daemon calls it: one at a time purges, the others leave it to that one.
CREATE FUNCTION roster_private.purge_scim_log() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source integer;
    v_rows   bigint;
    v_purged bigint := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(lock_class('scim_log'), 0) THEN
        RETURN 0;
    END IF;
    DELETE FROM scim_refusal r WHERE r.last_at < clock_timestamp() - interval '30 days';
    GET DIAGNOSTICS v_purged = ROW_COUNT;
    FOR v_source IN SELECT s.source_id FROM source s UNION ALL SELECT 0 LOOP
        DELETE FROM scim_refusal r
        WHERE r.source_id = v_source
          AND r.refusal_id <= (SELECT o.refusal_id FROM scim_refusal o WHERE o.source_id = v_source
                               ORDER BY o.refusal_id DESC OFFSET scim_log_kept() LIMIT 1);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_purged := v_purged + v_rows;
    END LOOP;
    RETURN v_purged;
END $$;
COMMENT ON FUNCTION roster_private.purge_scim_log IS 'Deletes what the log of refused requests need not keep: older than 30 days, or beyond the newest 10,000 rows of a source. Returns how many rows.';
