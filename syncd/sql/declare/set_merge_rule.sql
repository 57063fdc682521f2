SELECT roster.set_merge_rule(name => $1, rule => $2)
