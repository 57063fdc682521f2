-- A statement whose columns are to be described where the table is.
SELECT roster_private.table_probe($1) AS probe
