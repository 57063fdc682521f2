SELECT source, iam, kind, health, schedule, time_zone, next_run_at, enabled, last_run_id, last_success_at, last_error
FROM roster.sources
ORDER BY iam COLLATE "C", source COLLATE "C"
