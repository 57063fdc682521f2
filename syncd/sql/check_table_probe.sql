SELECT roster_private.check_table_probe($1) AS probe
