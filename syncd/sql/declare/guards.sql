-- Those that differ from the default.
SELECT source, kind, max_count, max_percent::float8 AS max_percent FROM roster.guards WHERE (max_count, max_percent) <> (50, 10)
