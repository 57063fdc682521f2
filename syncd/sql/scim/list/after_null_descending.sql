sort_key IS NULL AND rid > {rid} OR sort_key IS NOT NULL
