SELECT iam, kind, display_name, case_sensitive, options, default_permissions FROM roster.identity_managers
