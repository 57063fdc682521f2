-- What a declaration may change of an identity manager that is there.

CREATE FUNCTION roster.alter_identity_manager(iam text, display_name text DEFAULT NULL, case_sensitive boolean DEFAULT NULL,
                                              options jsonb DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp
    AS $$
DECLARE
    v_iam    iam := find_iam(alter_identity_manager.iam);
    v_before jsonb;
    v_after  jsonb;
BEGIN
    -- The row is made by CREATE EXTENSION and not dumped.
    IF v_iam.iam_id = 1 THEN
        RAISE EXCEPTION 'the built-in identity manager cannot be altered'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Argument "iam": name another. Default permissions have roster.set_default_permissions().';
    END IF;
    IF alter_identity_manager.options IS NOT NULL AND jsonb_typeof(alter_identity_manager.options) <> 'object' THEN
        RAISE EXCEPTION 'argument "options" must be a JSON object' USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''{}''.';
    END IF;
    PERFORM lock_iam(v_iam.iam_id, true);
    SELECT i.* INTO v_iam FROM iam i WHERE i.iam_id = v_iam.iam_id;
    IF alter_identity_manager.case_sensitive <> v_iam.case_sensitive AND EXISTS (SELECT FROM app_user u WHERE u.iam_id = v_iam.iam_id) THEN
        RAISE EXCEPTION 'identity manager "%" has users: how their names compare stays as it is', v_iam.iam
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Argument "case_sensitive": leave it out, or make another identity manager.';
    END IF;
    v_before := to_jsonb(v_iam);
    UPDATE iam i
    SET display_name = CASE WHEN alter_identity_manager.display_name = '' THEN NULL
                            ELSE coalesce(alter_identity_manager.display_name, i.display_name) END,
        case_sensitive = coalesce(alter_identity_manager.case_sensitive, i.case_sensitive),
        options = coalesce(alter_identity_manager.options, i.options)
    WHERE i.iam_id = v_iam.iam_id RETURNING to_jsonb(i) INTO v_after;
    IF v_before <> v_after THEN
        PERFORM record_config(single_run(v_iam.iam_id), 'change', 'identity_manager', v_iam.iam_id, v_iam.iam, NULL, v_before, v_after);
    END IF;
END $$;
COMMENT ON FUNCTION roster.alter_identity_manager IS 'Changes an identity manager; NULL leaves a property as it is, an empty display_name takes it away, options replace all options. Errors: 42704 unknown iam, 22023 it is the built-in one, or options are no object, 55000 case_sensitive while it has users.';
