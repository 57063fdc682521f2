SELECT label, source_id, case_sensitive, config, refusal FROM roster_private.scim_enter($1, $2)
