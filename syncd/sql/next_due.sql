-- Seconds until the next schedule fires, by the clock of the database; NULL: none.
SELECT extract(epoch FROM roster_private.next_due() - clock_timestamp())::float8 AS seconds
