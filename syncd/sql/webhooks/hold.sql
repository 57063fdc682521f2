SELECT webhook_id, label, url, secret, allow_clear_text FROM roster_private.hold_webhooks($1, $2)
