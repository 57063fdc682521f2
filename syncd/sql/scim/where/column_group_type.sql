l.type
