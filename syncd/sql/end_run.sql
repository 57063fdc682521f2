SELECT roster_private.end_run($1, $2, $3, interrupted => $4, hold => $5)
