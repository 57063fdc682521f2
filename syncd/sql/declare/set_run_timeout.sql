SELECT roster.alter_source(source => $1, run_timeout => $2::text::interval)
