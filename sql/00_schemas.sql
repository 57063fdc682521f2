-- Schemas and roles. The files of this folder load in the order of their names, in one transaction.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'pg_roster needs a database with encoding UTF8, this one has %', current_setting('server_encoding')
            USING HINT = 'Create the database with ENCODING ''UTF8''.';
    END IF;
END $$;

-- Roles belong to the cluster: another database may have made them already, also at this very moment.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['roster_owner', 'roster_admin', 'roster_user_admin', 'roster_reader', 'roster_syncd',
                                  'roster_impersonator', 'roster_authenticator'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END $$;

CREATE SCHEMA roster AUTHORIZATION roster_owner;
COMMENT ON SCHEMA roster IS 'User metadata: views to read, functions to call. Tables are in roster_private.';
CREATE SCHEMA roster_private AUTHORIZATION roster_owner;
COMMENT ON SCHEMA roster_private IS 'Tables and inner functions of pg_roster. Only roster_owner works in it; the daemon (roster_syncd) may use what 90_privileges.sql lists.';

-- Everything below is written for this path; every function pins it for itself.
SET LOCAL search_path = pg_catalog, roster_private, pg_temp;
