r.created_at
