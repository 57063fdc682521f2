sort_key < {key} OR sort_key = {key} AND rid > {rid}
