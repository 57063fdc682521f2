-- Rows written so far to facts, claims, history and what is derived (not the record of the runs themselves, and where their
-- sources stand), and bytes of WAL.
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0), pg_current_wal_lsn() - '0/0'::pg_lsn
FROM pg_stat_user_tables
WHERE schemaname = 'roster_private' AND relname !~ '^(staged|plan)_'
  AND relname NOT IN ('sync_run', 'source', 'source_state', 'source_lease', 'source_retry', 'run_total');
