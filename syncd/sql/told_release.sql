SELECT roster.apply_run($1, override_guard => true);
