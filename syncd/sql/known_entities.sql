SELECT kind, key, fingerprint FROM roster_private.known_entities($1)
