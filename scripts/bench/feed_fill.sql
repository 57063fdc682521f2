-- So many changes in the feed. psql variable: changes.
\set ON_ERROR_STOP on
\o /dev/null
SELECT roster.set_user_attribute('u' || lpad((n % 1000)::text, 7, '0'), 'fed', n::text, iam => 'corp') FROM generate_series(1, :changes / 2) n;
SELECT count(*) FROM roster.read_changes(0, 1);
VACUUM ANALYZE;
