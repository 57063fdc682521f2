COPY roster_private.staged_pending (slot, run_id, group_key, reference) FROM STDIN (FORMAT binary)
