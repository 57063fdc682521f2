SELECT roster_private.push_was_seen($1, $2)
