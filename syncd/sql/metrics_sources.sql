SELECT source, iam, kind, health, extract(epoch FROM last_success_at)::float8 AS last_success,
       extract(epoch FROM clock_timestamp() - last_success_at)::float8 AS age, extract(epoch FROM next_run_at)::float8 AS next_run,
       (running_run_id IS NOT NULL) AS running, failures, quarantined, dead_letters
FROM roster.source_states()
