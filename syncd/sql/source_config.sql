SELECT source, kind, config FROM roster_private.source_config($1)
