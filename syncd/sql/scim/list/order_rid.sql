rid
