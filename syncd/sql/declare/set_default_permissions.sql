SELECT roster.set_default_permissions(iam => $1, permissions => $2)
