-- What everybody effectively has, and where it comes from.
\set ON_ERROR_STOP on
\pset footer off
WITH held AS (
    SELECT username, name, string_agg(value, ', ' ORDER BY value COLLATE "C") AS vals
    FROM roster.effective_attributes
    WHERE iam = 'corp'
    GROUP BY username, name
), origin AS (
    SELECT username, name,
           string_agg(DISTINCT CASE origin WHEN 'user' THEN 'own' ELSE 'group ' || array_to_string(path, ' in ') END, '; ')
               AS comes_from
    FROM roster.attribute_origins
    WHERE iam = 'corp' AND wins
    GROUP BY username, name
)
SELECT username AS "user", name AS attribute, vals AS "values", comes_from AS "from"
FROM held JOIN origin USING (username, name)
ORDER BY array_position(ARRAY['steve', 'sara', 'stephanie', 'sam', 'fiona'], username::text), username COLLATE "C", name COLLATE "C";
