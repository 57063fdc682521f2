-- One central table, one source: everything that the microservice consolidated belongs to source "hub".
SELECT roster.create_source('hub', iam => 'builtin', kind => 'table', schedule => '*/5 * * * *', config => '{
  "relation": "hub.attributes", "format": "long",
  "user_column": "username", "name_column": "attribute", "value_column": "value",
  "updated_at_column": "updated_at", "deleted_column": "deleted", "max_age": "1 hour"}');
SELECT roster.sync_table_now('hub');
