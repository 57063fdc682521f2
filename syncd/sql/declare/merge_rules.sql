SELECT name, rule FROM roster.merge_rules WHERE rule <> 'union'
