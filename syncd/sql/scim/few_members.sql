SELECT m.group_rid, m.kind, m.value, m.display FROM roster_private.scim_few_members($1, $2, 101) m
