-- An identity manager that a provider keeps by SCIM. Prints the key. The provider may send as much as it can.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SELECT roster.create_identity_manager('corp', kind => 'scim') \g /dev/null
SELECT roster.create_source('corp-scim', iam => 'corp', kind => 'scim', config => '{
    "rate_limit": 1000000,
    "attributes": {
        "department": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "cost_center": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter"
    }
}') \g /dev/null
SELECT roster.create_api_key('bench', iam => 'corp', scopes => '{scim}');
