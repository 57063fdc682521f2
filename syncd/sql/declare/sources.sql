SELECT s.source, s.iam, s.kind, s.config, s.schedule, s.time_zone, s.priority, s.enabled, to_jsonb(s) ->> 'run_timeout' AS run_timeout
FROM roster.sources AS s
WHERE s.kind <> 'manual'
