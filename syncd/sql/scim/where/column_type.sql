(lower(l.kind) COLLATE "C")
