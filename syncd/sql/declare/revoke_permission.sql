SELECT roster.revoke_permission(permission => $1, group_name => $2, iam => $3)
