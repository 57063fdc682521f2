SELECT source, iam, kind, health, enabled, schedule, time_zone, next_run_at, last_run_id, last_success_at, last_error,
       extract(epoch FROM clock_timestamp() - last_success_at)::float8 AS age_seconds,
       running_run_id, extract(epoch FROM clock_timestamp() - running_since)::float8 AS running_seconds,
       failures, retry_at, read, added, changed, removed, quarantined, dead_letters, stale_values
FROM roster.source_states(count_stale => true)
