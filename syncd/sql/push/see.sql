SELECT roster_private.push_see($1, $2)
