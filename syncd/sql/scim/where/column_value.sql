(l.value::text COLLATE "C")
