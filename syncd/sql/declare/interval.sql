SELECT $1::text::interval::text AS told
