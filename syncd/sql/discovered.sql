SELECT roster.create_identity_manager(:iam, kind => 'ldap');
SELECT roster.create_source(:source, iam => :iam, kind => 'ldap', config => :config);
