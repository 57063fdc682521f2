SELECT roster_private.retry_waiting_events() AS tried
