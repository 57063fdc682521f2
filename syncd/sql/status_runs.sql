SELECT run_id, source, mode, trigger, state, started_at, finished_at,
       read, added, changed, removed, quarantined, message
FROM roster.sync_runs
ORDER BY run_id DESC
LIMIT 10
