-- Reads a table of this database with the rights of the daemon's role.
SELECT read, facts, complete, cursor, note FROM roster_private.stage_table($1)
