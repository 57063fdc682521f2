SELECT run_id, verdict, message FROM roster_private.renew_leases($1)
