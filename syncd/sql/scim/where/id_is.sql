r.id = {value}
