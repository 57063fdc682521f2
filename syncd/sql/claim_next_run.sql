SELECT run_id, slot, source, kind, mode, config FROM roster_private.claim_next_run()
