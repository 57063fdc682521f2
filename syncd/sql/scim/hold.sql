SELECT roster_private.scim_hold($1, $2, $3)
