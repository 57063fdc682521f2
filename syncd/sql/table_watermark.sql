-- A statement whose only value is how far the table has come; NULL: it is read in full each time.
SELECT roster_private.table_watermark($1, $2) AS watermark
