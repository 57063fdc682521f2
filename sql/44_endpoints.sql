-- Endpoints are asked about users: whom, under which name, and what is known of the last answer.

CREATE FUNCTION roster_private.endpoint_users(p_source_id integer) RETURNS TABLE (who text, etag text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source   source;
    v_exact    boolean;
    v_match_by text;
BEGIN
    SELECT s.* INTO v_source FROM source s WHERE s.source_id = p_source_id;
    v_match_by := coalesce(v_source.config ->> 'match_by', 'username');
    SELECT CASE v_match_by WHEN 'username' THEN i.case_sensitive ELSE v_match_by <> 'email' END INTO v_exact
    FROM iam i WHERE i.iam_id = v_source.iam_id;
    -- An address of several users means nobody. A tag counts only for whom it was given.
    RETURN QUERY
    SELECT a.who, k.etag
    FROM (SELECT CASE v_match_by WHEN 'username' THEN u.username WHEN 'external_id' THEN u.external_id ELSE u.email END AS who, u.user_id,
                 CASE v_match_by WHEN 'email' THEN count(*) OVER (PARTITION BY name_key(u.email, false)) ELSE 1 END AS namesakes
          FROM app_user u WHERE u.iam_id = v_source.iam_id AND u.active) a
    LEFT JOIN user_link k ON k.source_id = p_source_id AND k.key = name_key(a.who, v_exact) AND k.user_id = a.user_id
    WHERE a.who IS NOT NULL AND NOT is_blank(a.who) AND a.namesakes = 1;
END $$;
COMMENT ON FUNCTION roster_private.endpoint_users IS 'The active users of the identity manager of an endpoint, as match_by names them, with the tag of their last answer.';

CREATE FUNCTION roster_private.endpoint_subjects(run_id bigint) RETURNS TABLE (who text, etag text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
BEGIN
    RETURN QUERY
    SELECT u.who, u.etag FROM sync_run r CROSS JOIN LATERAL endpoint_users(r.source_id) u
    WHERE r.run_id = endpoint_subjects.run_id;
END $$;
COMMENT ON FUNCTION roster_private.endpoint_subjects IS 'Whom the run of an endpoint has to ask about.';

CREATE FUNCTION roster_private.endpoint_sample(source text) RETURNS TABLE (who text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_source source := find_source(endpoint_sample.source);
BEGIN
    RETURN QUERY SELECT u.who FROM endpoint_users(v_source.source_id) u ORDER BY u.who COLLATE "C" LIMIT 5;
END $$;
COMMENT ON FUNCTION roster_private.endpoint_sample IS 'A few users whom syncd check may ask an endpoint about.';
