SELECT run_id, source, mode, state, read, added, changed, removed, quarantined, message
FROM roster_private.complete_facts($1, $2, $3, $4, $5, $6)
