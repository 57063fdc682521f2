COPY roster_private.staged_quarantine (slot, run_id, kind, key, reason, entry, entry_key) FROM STDIN (FORMAT binary)
