-- The directory as a source of the identity manager corp. Safe to run again: a directory that was started anew
-- answers on another port. psql variables: url, ca_file.
\set ON_ERROR_STOP on
SELECT jsonb_build_object('urls', jsonb_build_array(:'url'), 'ca_file', :'ca_file') || '{
    "bind_dn": "cn=admin,dc=example,dc=org",
    "bind_password": {"env": "LDAP_PASSWORD"},
    "user_base": "ou=people,dc=example,dc=org",
    "user_filter": "(objectClass=inetOrgPerson)",
    "username_attribute": "uid",
    "profile": {"display_name": "cn", "email": "mail"},
    "attributes": {"country": "demoCountry", "role": "demoRole", "sales_region": "demoSalesRegion"},
    "group_base": "ou=groups,dc=example,dc=org",
    "group_filter": "(objectClass=groupOfNames)",
    "group_name_attribute": "cn",
    "membership": "member",
    "group_attributes": {"organization": "demoOrganization", "territories": "demoTerritory", "badge": "demoBadge"},
    "page_size": 1000
}'::jsonb AS config
\gset

SELECT roster.create_identity_manager('corp', kind => 'ldap', display_name => 'Example Corp')
WHERE NOT EXISTS (SELECT FROM roster.identity_managers WHERE iam = 'corp');

SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', schedule => '0 * * * *', config => :'config')
WHERE NOT EXISTS (SELECT FROM roster.sources WHERE source = 'corp-ldap');

SELECT roster.alter_source('corp-ldap', config => :'config')
WHERE EXISTS (SELECT FROM roster.sources WHERE source = 'corp-ldap' AND config IS DISTINCT FROM :'config'::jsonb);
