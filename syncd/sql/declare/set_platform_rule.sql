SELECT roster.set_platform_rule(platform => $1, case_rule => $2, fallback_iams => $3)
