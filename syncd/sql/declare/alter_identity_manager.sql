SELECT roster.alter_identity_manager(iam => $1, display_name => $2, case_sensitive => $3, options => $4)
