-- The names of types as the server writes them.
SELECT t.oid, pg_catalog.format_type(t.oid, NULL) AS name FROM unnest($1::oid[]) WITH ORDINALITY AS t (oid, no)
ORDER BY t.no
