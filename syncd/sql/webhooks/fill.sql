SELECT roster_private.fill_webhook($1, $2) AS more
