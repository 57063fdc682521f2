SELECT outcome, scim_id, version, created_at, modified_at, detail
FROM roster_private.scim_put_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
