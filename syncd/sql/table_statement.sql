SELECT statement, complete, errors, cursor FROM roster_private.table_statement($1, $2, $3)
