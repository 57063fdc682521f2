-- A request is never worth starting workers for.
SET max_parallel_workers_per_gather = 0;
SET default_transaction_isolation = 'read committed'
