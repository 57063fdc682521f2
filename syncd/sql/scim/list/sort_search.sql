((coalesce(jsonb_path_query_first(r.search, {preferred}::text::jsonpath, '{}', true), jsonb_path_query_first(r.search, {any}::text::jsonpath, '{}', true)) #>> '{}') COLLATE "C")
