SELECT roster_private.note_deliveries($1, $2, $3, $4)
