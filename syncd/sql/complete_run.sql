SELECT run_id, source, mode, state, read, added, changed, removed, quarantined, message
FROM roster_private.complete_run($1, $2, $3, $4, $5, $6, $7, pending => $8, complete => $9, cursor => $10, containers => $11)
