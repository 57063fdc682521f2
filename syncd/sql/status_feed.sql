SELECT waiting_runs, lag_seconds, webhooks FROM roster.feed_state()
