-- The blocked plan of each source that waits for a decision.
SELECT DISTINCT ON (r.source) r.run_id, r.source, r.removed, r.message
FROM roster.sync_runs AS r
JOIN roster.sources AS s ON s.source = r.source
WHERE r.state = 'blocked' AND s.health = 'blocked'
ORDER BY r.source, r.run_id DESC
