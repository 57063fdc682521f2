-- A table that everybody sees their own part of, and logins that the directory authenticates. Safe to run again.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I LOGIN', name) FROM unnest(ARRAY['sam', 'fiona']) name WHERE to_regrole(name) IS NULL
\gexec
-- Who logs in as "sam" is the user sam of corp: said once, because a role must not become somebody by chance.
SELECT roster.set_platform_rule('postgres', fallback_iams => ARRAY['builtin', 'corp'])
WHERE NOT EXISTS (SELECT FROM roster.platforms WHERE platform = 'postgres' AND 'corp' = ANY (fallback_iams));

CREATE TABLE IF NOT EXISTS sales (territory text, amount numeric);
INSERT INTO sales SELECT t, a FROM (VALUES ('OH', 100), ('MD', 250), ('TX', 900)) s(t, a) WHERE NOT EXISTS (SELECT FROM sales);
ALTER TABLE sales ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS by_territory ON sales;
CREATE POLICY by_territory ON sales USING (roster.has_attribute('territories', territory));
GRANT SELECT ON sales TO sam, fiona;
