(roster_private.name_key(l.display, false) COLLATE "C")
