SELECT next, is_end, lines FROM roster_private.feed_page($1, $2, $3, $4)
