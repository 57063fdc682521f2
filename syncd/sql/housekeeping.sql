SELECT roster.expire_due() AS expired, roster_private.number_changes() AS numbered
