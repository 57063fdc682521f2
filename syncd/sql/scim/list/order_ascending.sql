sort_key, rid
