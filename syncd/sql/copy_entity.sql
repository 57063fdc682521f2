COPY roster_private.staged_entity
    (slot, run_id, kind, present, key, external_id, name, display_name, email, profile, active, fingerprint,
     reference, uid_reference, primary_group)
FROM STDIN (FORMAT binary)
