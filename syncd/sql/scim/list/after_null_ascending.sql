sort_key IS NULL AND rid > {rid}
