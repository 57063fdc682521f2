-- Those whose rule differs from what holds without one.
SELECT p.platform, p.case_rule, p.fallback_iams
FROM roster.platforms AS p
WHERE p.case_rule <> CASE p.platform WHEN 'databricks' THEN 'insensitive' ELSE 'exact' END
   OR p.fallback_iams IS DISTINCT FROM CASE p.platform WHEN 'postgres' THEN ARRAY['builtin'] END
