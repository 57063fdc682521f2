SELECT roster_private.note_scim_refusal($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
