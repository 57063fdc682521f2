COPY roster_private.staged_fact (slot, run_id, who, kind, name, value, problem) FROM STDIN (FORMAT binary)
