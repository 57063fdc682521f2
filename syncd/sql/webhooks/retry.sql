SELECT roster_private.retry_webhook($1, $2)
