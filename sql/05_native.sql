-- Native functions: their SQL signatures, comments and volatility. The code is in extension/src.
-- MODULE_PATHNAME is replaced by CREATE EXTENSION with the library of the installed version.

CREATE FUNCTION roster.version() RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'version_wrapper';
COMMENT ON FUNCTION roster.version() IS 'Version of the pg_roster library that is loaded, such as 0.1.0.';

CREATE FUNCTION roster.api_version() RETURNS integer
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'api_version_wrapper';
COMMENT ON FUNCTION roster.api_version() IS 'Version of the interface between the database and the daemon syncd; they must agree.';

CREATE FUNCTION roster_private.name_key(name text, case_sensitive boolean) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
    AS 'MODULE_PATHNAME', 'sql_name_key_wrapper';
COMMENT ON FUNCTION roster_private.name_key(text, boolean) IS
    'The form in which a name is compared: Unicode NFC, and lower case unless case_sensitive. Independent of locale.';

CREATE FUNCTION roster_private.caller() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'caller_wrapper';
COMMENT ON FUNCTION roster_private.caller() IS
    'Role in force for the session: SET ROLE counts, SECURITY DEFINER does not (current_user would name the definer).';

CREATE FUNCTION roster_private.cron_next(schedule text, time_zone text, after timestamptz) RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
    AS 'MODULE_PATHNAME', 'cron_next_wrapper';
COMMENT ON FUNCTION roster_private.cron_next(text, text, timestamptz) IS
    'First time strictly after "after" at which the cron(5) rule fires on the clock of time_zone; NULL if it never does. Fixed hours fire once: right after a gap, at the first pass of a repeated hour.';

-- Credentials. All of them VOLATILE: none may be folded into a plan, or left out of one.
CREATE FUNCTION roster_private.hash_password(password text) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 1000000
    AS 'MODULE_PATHNAME', 'hash_password_wrapper';
COMMENT ON FUNCTION roster_private.hash_password(text) IS
    'argon2id PHC string (m=19456,t=2,p=1) of a password with a random salt. Errors: 22023 too short, too long or with control characters.';

CREATE FUNCTION roster_private.read_password_hash(phc text) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'read_password_hash_wrapper';
COMMENT ON FUNCTION roster_private.read_password_hash(text) IS
    'An argon2id PHC string made elsewhere, in its canonical form. Errors: 22023 any other hash, or one that costs too much to verify.';

CREATE FUNCTION roster_private.verify_password(password text, phc text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 1000000
    AS 'MODULE_PATHNAME', 'verify_password_wrapper';
COMMENT ON FUNCTION roster_private.verify_password(text, text) IS
    'Whether a password is the one that an argon2id PHC string was made of, in constant time. phc NULL (no such user): false, after the same work.';

CREATE FUNCTION roster_private.random_token() RETURNS text
    LANGUAGE c VOLATILE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'random_token_wrapper';
COMMENT ON FUNCTION roster_private.random_token() IS '256 random bits of the operating system in base64url: 43 characters.';

-- What a source states about a user, compared without looking at it again.
CREATE FUNCTION roster_private.add_fact(sum uuid, salt uuid, kind text, name text, value text) RETURNS uuid
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 5
    AS 'MODULE_PATHNAME', 'roster_add_fact';
COMMENT ON FUNCTION roster_private.add_fact(uuid, uuid, text, text, text) IS
    'Adds the keyed hash (BLAKE3, key salt) of a row to a sum of such, modulo 2^128. NULL only when sum or salt is.';
CREATE AGGREGATE roster_private.fact_digest(salt uuid, kind text, name text, value text) (
    SFUNC = roster_private.add_fact, STYPE = uuid, INITCOND = '00000000-0000-0000-0000-000000000000', PARALLEL = SAFE);
COMMENT ON AGGREGATE roster_private.fact_digest(uuid, text, text, text) IS
    'Digest of rows in any order. A row that stands twice counts twice: its user is then compared once more than needed.';
