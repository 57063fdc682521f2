r.search @? {path}::text::jsonpath
