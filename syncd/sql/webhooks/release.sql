SELECT roster_private.release_webhooks($1)
