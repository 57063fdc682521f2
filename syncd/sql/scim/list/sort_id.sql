(r.id::text COLLATE "C")
