SELECT roster_private.unknown_users($1, $2) AS unknown
