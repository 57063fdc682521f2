SELECT source, iam, mode, state, runs, timed, seconds, buckets, read, added, changed, removed, quarantined
FROM roster_private.run_totals()
