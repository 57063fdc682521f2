SELECT waiting_runs, lag_seconds, webhooks, roster_private.run_buckets() AS run_buckets FROM roster.feed_state()
