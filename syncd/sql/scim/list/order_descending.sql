sort_key DESC, rid
