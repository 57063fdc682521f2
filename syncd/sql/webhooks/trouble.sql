SELECT roster_private.note_webhook_trouble($1, $2)
