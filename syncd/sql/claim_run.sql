SELECT run_id, slot, source, kind, mode, config
FROM roster_private.claim_run(source => $1, mode => $2, trigger => $3, full_read => $4)
