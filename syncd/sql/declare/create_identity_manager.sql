SELECT roster.create_identity_manager(iam => $1, kind => $2, display_name => $3, case_sensitive => $4, options => $5)
