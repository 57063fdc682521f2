SELECT roster.api_version() AS version
