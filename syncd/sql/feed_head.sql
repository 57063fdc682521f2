SELECT roster_private.feed_head() AS head
