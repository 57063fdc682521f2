-- Policy helpers: about the current user only, so everybody may call them. The code is in extension/src/policy.
-- STRICT: a NULL argument gives NULL. No SET and no SECURITY DEFINER: both would cost more than the answer; the
-- library itself reads as roster_owner, and for that moment only.

CREATE FUNCTION roster.current_user_id() RETURNS bigint
    LANGUAGE c STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'current_user_id_wrapper';
COMMENT ON FUNCTION roster.current_user_id() IS
    'The current user: the one assumed in this transaction, else the one whose postgres platform username is the role in force (SET ROLE counts, SECURITY DEFINER does not). NULL when there is none, or it is disabled or ambiguous.';

CREATE FUNCTION roster.username() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'username_wrapper';
COMMENT ON FUNCTION roster.username() IS 'Username of the current user; NULL when there is none.';

CREATE FUNCTION roster.iam() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'iam_wrapper';
COMMENT ON FUNCTION roster.iam() IS 'Identity manager of the current user; NULL when there is none.';

CREATE FUNCTION roster.attribute_values(name text) RETURNS text[]
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'roster_attribute_values';
COMMENT ON FUNCTION roster.attribute_values(text) IS
    'Values that the current user has of an attribute, sorted; {} when there are none. Beware of <> ALL (...): it holds for whoever has none.';

CREATE FUNCTION roster_private.has_attribute_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'roster_has_attribute_support';
COMMENT ON FUNCTION roster_private.has_attribute_support(internal) IS 'Tells the planner how roster.has_attribute finds rows through an index, and how many.';

CREATE FUNCTION roster.has_attribute(name text, value text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1 SUPPORT roster_private.has_attribute_support
    AS 'MODULE_PATHNAME', 'roster_has_attribute';
COMMENT ON FUNCTION roster.has_attribute(text, text) IS
    'Whether the current user has that value of an attribute, byte for byte. Uses an index on the value. NULL for an unknown user: then neither a policy nor its negation shows the row.';

CREATE FUNCTION roster.has_attribute_under(name text, path text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'roster_has_attribute_under';
COMMENT ON FUNCTION roster.has_attribute_under(text, text) IS
    'Whether the current user has the path or a level above it as a value: US.OH covers US.OH.Columbus, not US.OHX. In the value, * stands for one whole level. NULL for an unknown user.';

CREATE FUNCTION roster.in_group(name text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'roster_in_group';
COMMENT ON FUNCTION roster.in_group(text) IS 'Whether the current user is in that group of their identity manager, directly or through nesting. NULL for an unknown user.';

CREATE FUNCTION roster.in_all_groups(VARIADIC names text[]) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'in_all_groups_wrapper';
COMMENT ON FUNCTION roster.in_all_groups(text[]) IS 'Whether the current user is in every one of those groups. NULL for an unknown user, and when a name is NULL.';

CREATE FUNCTION roster.has_permission(name text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1
    AS 'MODULE_PATHNAME', 'roster_has_permission';
COMMENT ON FUNCTION roster.has_permission(text) IS 'Whether the current user has that permission. NULL for an unknown user.';

CREATE FUNCTION roster.assume_user(username text, iam text DEFAULT 'builtin') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'assume_user_wrapper';
COMMENT ON FUNCTION roster.assume_user(text, text) IS
    'Makes somebody else the current user, up to the end of the transaction or a rollback to a savepoint before, and returns the user_id. For connection pools; roster_impersonator only. An open cursor may follow. Errors: 42704 no active user of that name or unknown iam, 22023 NULL.';

-- security_barrier: a condition of the reader that tells what it is asked about is not asked about others.
CREATE VIEW roster.my_attributes WITH (security_barrier) AS
SELECT e.name, e.value FROM roster.effective_attributes e WHERE e.user_id = roster.current_user_id();

CREATE VIEW roster.my_groups WITH (security_barrier) AS
SELECT e.group_name FROM roster.effective_groups e WHERE e.user_id = roster.current_user_id();

CREATE VIEW roster.my_profile WITH (security_barrier) AS
SELECT p.user_id, p.iam, p.username, p.display_name, p.email, p.active, p.profile, p.platforms, p.groups, p.attributes, p.permissions
FROM roster.user_profiles p WHERE p.user_id = roster.current_user_id();
