COPY roster_private.staged_quarantine (slot, run_id, kind, key, reason, entry) FROM STDIN (FORMAT binary)
