-- What /user-info answers: the groups and attributes that a user effectively has.

CREATE TYPE roster_private.user_info AS (state text, groups text[], attributes jsonb);
COMMENT ON TYPE roster_private.user_info IS 'state: active, inactive or unknown; groups and attributes: all that are effective, attributes as {"name": ["value"]}.';

-- The tables may have been empty when a session first came by here: a plan is made for each call.
CREATE FUNCTION roster_private.read_user_info(p_iam_id integer, p_userid text) RETURNS roster_private.user_info
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
    AS $$
DECLARE
    v_user_id bigint;
    v_active  boolean;
    v_info    user_info := ROW('unknown', '{}', '{}');
BEGIN
    SELECT u.user_id, u.active INTO v_user_id, v_active FROM app_user u JOIN iam i USING (iam_id)
    WHERE u.iam_id = p_iam_id AND u.username_key = name_key(normalize(p_userid, NFC), i.case_sensitive);
    IF v_active THEN
        SELECT 'active', ARRAY(SELECT DISTINCT e.group_name COLLATE "C" FROM roster.effective_groups e WHERE e.user_id = v_user_id ORDER BY 1),
               coalesce((SELECT jsonb_object_agg(n.name, n.vals)
                         FROM (SELECT e.name, jsonb_agg(e.value ORDER BY e.value COLLATE "C") AS vals
                               FROM roster.effective_attributes e WHERE e.user_id = v_user_id GROUP BY e.name) n), '{}')
        INTO v_info;
    ELSIF v_user_id IS NOT NULL THEN
        v_info.state := 'inactive';
    END IF;
    RETURN v_info;
END $$;
COMMENT ON FUNCTION roster_private.read_user_info IS 'What a user of an identity manager effectively has. Nothing for users who are unknown or inactive.';
