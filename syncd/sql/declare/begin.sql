-- One declaration after the other: each is compared with what it then changes.
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT pg_catalog.pg_advisory_xact_lock(1919907700, -1);
