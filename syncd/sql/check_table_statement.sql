SELECT statement, errors FROM roster_private.check_table_statement($1, $2)
