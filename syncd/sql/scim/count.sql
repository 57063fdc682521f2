SELECT count(*) FROM {resources} r WHERE ({condition}) AND r.source_id = $1
