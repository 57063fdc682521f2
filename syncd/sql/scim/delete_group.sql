SELECT outcome, scim_id, version, created_at, modified_at, detail FROM roster_private.scim_delete_group($1, $2, $3, $4)
