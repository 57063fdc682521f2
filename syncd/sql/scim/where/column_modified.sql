r.modified_at
