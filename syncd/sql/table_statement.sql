SELECT statement, complete, errors FROM roster_private.table_statement($1, $2, $3)
