NULL::jsonb
