SELECT roster.set_guard(source => $1, kind => $2, max_count => $3, max_percent => $4::float8::numeric)
