SELECT state, message FROM roster.sync_runs WHERE run_id = $1
