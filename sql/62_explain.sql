-- Why somebody has a value, said in a sentence.

CREATE TYPE roster.explanation AS (
    user_id bigint, iam text, username text, name text, value text, origin text, group_name text, path text[], source text,
    since timestamptz, wins boolean, stale boolean, because text);
COMMENT ON TYPE roster.explanation IS 'A row of roster.attribute_origins with a sentence that says the same.';

CREATE FUNCTION roster_private.since_words(p_since timestamptz, p_source text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, roster_private, pg_temp
    AS $$ SELECT format('(since %s, from source %s)', to_char(p_since, 'YYYY-MM-DD HH24:MI TZ'), p_source) $$;
COMMENT ON FUNCTION roster_private.since_words IS 'Since when and from where, as it stands in a sentence.';

CREATE FUNCTION roster.explain_attribute(username text, name text DEFAULT NULL, value text DEFAULT NULL, iam text DEFAULT NULL)
    RETURNS SETOF roster.explanation
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_user text := clean_name('username', explain_attribute.username);
    v_iam  text := CASE WHEN explain_attribute.iam IS NOT NULL THEN (find_iam(explain_attribute.iam)).iam END;
BEGIN
    RETURN QUERY
    SELECT o.user_id, o.iam, o.username, o.name, o.value, o.origin, o.group_name, o.path, o.source, o.since, o.wins, o.stale,
           CASE o.origin
               WHEN 'user' THEN format('because %s has %s = %s %s', o.username, o.name, o.value, since_words(o.since, o.source))
               ELSE format('because %s is in %s %s, %s has %s = %s %s', o.username, o.path[1], m.words,
                           coalesce((SELECT string_agg('which is inside ' || p.step, ', ' ORDER BY p.place) || ', which'
                                     FROM unnest(o.path) WITH ORDINALITY p(step, place) WHERE p.place > 1), 'which'),
                           o.name, o.value, since_words(o.since, o.source))
           END
           || CASE WHEN o.wins THEN '' ELSE format('; it does not count, as the merge rule of %s is %s', o.name, r.rule) END
    FROM roster.attribute_origins o
    JOIN iam i ON i.iam = o.iam AND i.dropped_at IS NULL
    JOIN app_user u ON u.user_id = o.user_id AND u.username_key = name_key(v_user, i.case_sensitive)
    LEFT JOIN merge_rule r ON r.name = o.name
    LEFT JOIN LATERAL (SELECT since_words(min(coalesce(t.at, t.begun)), string_agg(s.source, ', ' ORDER BY s.source COLLATE "C")) AS words
                       FROM membership m JOIN app_group g ON g.group_id = m.group_id AND g.group_name = o.path[1]
                       JOIN source s ON s.source_id = m.source_id LEFT JOIN run t ON t.run_id = m.opened_run
                       WHERE m.user_id = o.user_id) m ON true
    WHERE (v_iam IS NULL OR o.iam = v_iam)
      AND (explain_attribute.name IS NULL OR o.name = normalize(explain_attribute.name, NFC))
      AND (explain_attribute.value IS NULL OR o.value = normalize(explain_attribute.value, NFC))
    ORDER BY o.iam COLLATE "C", o.name COLLATE "C", o.value COLLATE "C", o.wins DESC, cardinality(o.path), o.group_name COLLATE "C", o.source COLLATE "C";
END $$;
COMMENT ON FUNCTION roster.explain_attribute IS 'Where the effective attribute values of a user come from: the rows of roster.attribute_origins, losing ones included, each with a sentence (because). NULL = all names, values, identity managers. Errors: 42704 unknown iam, 22023 empty username.';

CREATE TYPE roster.group_member AS (user_id bigint, iam text, username text, direct boolean, depth integer);
COMMENT ON TYPE roster.group_member IS 'A user in a group, directly or through nesting.';
CREATE TYPE roster.attribute_holder AS (user_id bigint, iam text, username text);
COMMENT ON TYPE roster.attribute_holder IS 'A user who has an attribute.';

CREATE FUNCTION roster.group_members(group_name text, iam text DEFAULT NULL) RETURNS SETOF roster.group_member
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_name text := clean_name('group_name', group_members.group_name);
    v_iam  text := CASE WHEN group_members.iam IS NOT NULL THEN (find_iam(group_members.iam)).iam END;
BEGIN
    RETURN QUERY
    SELECT u.user_id, i.iam, u.username, min(c.depth) = 0, min(c.depth) + 1
    FROM app_group g
    JOIN iam i ON i.iam_id = g.iam_id AND (v_iam IS NULL OR i.iam = v_iam)
    JOIN group_closure c ON c.ancestor_id = g.group_id
    JOIN membership m ON m.group_id = c.group_id
        AND (m.valid_from IS NULL OR m.valid_from <= statement_timestamp())
        AND (m.valid_until IS NULL OR m.valid_until > statement_timestamp())
    JOIN app_user u ON u.user_id = m.user_id AND u.active
    WHERE g.group_name_key = v_name AND g.active
    GROUP BY u.user_id, i.iam, u.username
    ORDER BY i.iam COLLATE "C", u.username COLLATE "C";
END $$;
COMMENT ON FUNCTION roster.group_members IS 'Active users in a group, directly or through nesting; depth 1 = direct. iam NULL = all. Errors: 42704 unknown iam, 22023 empty name.';

CREATE FUNCTION roster.users_with_attribute(name text, value text DEFAULT NULL) RETURNS SETOF roster.attribute_holder
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, roster_private, pg_temp SET jit = off
    AS $$
DECLARE
    v_name  text := clean_name('name', users_with_attribute.name);
    v_value text := normalize(users_with_attribute.value, NFC);
BEGIN
    RETURN QUERY
    SELECT DISTINCT e.user_id, e.iam, e.username FROM roster.effective_attributes e
    WHERE e.name = v_name AND (v_value IS NULL OR e.value = v_value);
END $$;
COMMENT ON FUNCTION roster.users_with_attribute IS 'Active users who effectively have an attribute, with that value (NULL = any). Errors: 22023 empty name.';
