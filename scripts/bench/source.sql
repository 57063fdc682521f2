-- The generated directory as a source. psql variable: url.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION pg_roster;
SELECT jsonb_build_object('urls', jsonb_build_array(:'url')) || '{
    "bind_dn": "cn=admin,dc=example,dc=org", "bind_password": {"env": "LDAP_PASSWORD"},
    "user_base": "ou=people,dc=example,dc=org", "user_filter": "(objectClass=inetOrgPerson)", "username_attribute": "uid",
    "profile": {"display_name": "cn", "email": "mail"},
    "attributes": {"department": "departmentNumber", "title": "title"},
    "group_base": "ou=groups,dc=example,dc=org", "group_filter": "(objectClass=groupOfNames)",
    "group_name_attribute": "cn", "membership": "member", "group_attributes": {"description": "description"},
    "page_size": 1000
}'::jsonb AS config
\gset
SELECT roster.create_identity_manager('corp', kind => 'ldap');
SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', config => :'config');
