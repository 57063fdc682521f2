SELECT * FROM roster.sync_changes WHERE run_id = $1;
