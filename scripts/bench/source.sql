-- The directory as a source. What is mapped here is what the yardstick asks ldapsearch for.
-- psql variable: url.
\set ON_ERROR_STOP on
-- Says where the time of a synchronisation goes; costs next to nothing with few and long calls.
ALTER ROLE syncd_bench SET track_functions = 'pl';
SELECT roster.create_identity_manager('corp', kind => 'ldap');
SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', config => jsonb_build_object('urls', jsonb_build_array(:'url')) || '{
    "bind_dn": "cn=admin,dc=example,dc=org",
    "bind_password": {"env": "LDAP_PASSWORD"},
    "user_base": "ou=people,dc=example,dc=org",
    "user_filter": "(objectClass=inetOrgPerson)",
    "username_attribute": "uid",
    "profile": {"display_name": "cn", "email": "mail", "phone": "telephoneNumber", "number": "employeeNumber"},
    "attributes": {"department": "departmentNumber", "title": "title", "territory": "l"},
    "group_base": "ou=groups,dc=example,dc=org",
    "group_filter": "(objectClass=groupOfNames)",
    "group_name_attribute": "cn",
    "membership": "member",
    "group_attributes": {"description": "description", "category": "businessCategory", "territory": "ou"},
    "page_size": 1000
}');
