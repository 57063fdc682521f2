SELECT roster.drop_source($1, override_guard => true);
