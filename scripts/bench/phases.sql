-- Seconds of the last synchronisation: all of it, then the steps in the database. What is left is the daemon's read,
-- with COPY into staging beside it.
SELECT round(extract(epoch FROM r.finished_at - r.started_at)::numeric, 2) AS whole_run,
       f.complete_run, f.make_plan, f.apply_users, f.apply_groups, f.apply_values, f.apply_edges, f.derive, f.statistics
FROM roster.sync_runs r,
     (SELECT sum(t) FILTER (WHERE funcname = 'complete_run') AS complete_run,
             sum(t) FILTER (WHERE funcname = 'make_plan') AS make_plan,
             sum(t) FILTER (WHERE funcname = 'apply_users') AS apply_users,
             sum(t) FILTER (WHERE funcname = 'apply_groups') AS apply_groups,
             sum(t) FILTER (WHERE funcname = 'apply_values') AS apply_values,
             sum(t) FILTER (WHERE funcname = 'apply_edges') AS apply_edges,
             sum(t) FILTER (WHERE funcname IN ('refresh_groups', 'refresh_group_attributes')) AS derive,
             sum(t) FILTER (WHERE funcname = 'refresh_statistics') AS statistics
      FROM (SELECT funcname, round((total_time / 1000)::numeric, 2) AS t FROM pg_stat_user_functions) s) f
ORDER BY r.run_id DESC LIMIT 1;
