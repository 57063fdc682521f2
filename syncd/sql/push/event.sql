SELECT outcome, reason, late, ignored, waiting, first_outcome
FROM roster_private.push_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
