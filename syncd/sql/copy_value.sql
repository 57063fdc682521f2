COPY roster_private.staged_value (slot, run_id, kind, key, name, value) FROM STDIN (FORMAT binary)
