SELECT source, config, cursor FROM roster_private.hold_live($1)
