SELECT roster.drop_source(source => $1) AS run_id
