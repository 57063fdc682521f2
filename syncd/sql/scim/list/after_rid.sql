rid > {rid}
