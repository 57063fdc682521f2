SELECT roster_private.purge_deliveries($1) AS purged
