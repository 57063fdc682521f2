COPY roster_private.staged_edge (slot, run_id, group_key, kind, member_key) FROM STDIN (FORMAT binary)
