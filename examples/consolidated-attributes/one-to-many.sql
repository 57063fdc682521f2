-- One table (here: a view) per system, each with its own schedule, prefix, priority and freshness. Both speak about "region":
-- HR is right where it says something (priority), and what only one system knows has a name of its own.
CREATE VIEW hub.hr AS
SELECT username, array_agg(value) FILTER (WHERE attribute = 'region') AS region,
       max(value) FILTER (WHERE attribute = 'department') AS department,
       max(value) FILTER (WHERE attribute = 'cost_centre') AS cost_centre
FROM hub.attributes WHERE system = 'hr' AND NOT deleted GROUP BY username;
CREATE VIEW hub.crm AS
SELECT username, jsonb_object_agg(attribute, vals) AS attributes
FROM (SELECT username, attribute, jsonb_agg(value) AS vals FROM hub.attributes
      WHERE system = 'crm' AND NOT deleted GROUP BY username, attribute) a
GROUP BY username;

SELECT roster.create_source('hr', iam => 'builtin', kind => 'table', schedule => '0 4 * * *', time_zone => 'Europe/Berlin', priority => 10,
  config => '{"relation": "hub.hr", "format": "wide", "user_column": "username", "max_age": "2 days"}');
SELECT roster.create_source('crm', iam => 'builtin', kind => 'table', schedule => '*/15 * * * *', priority => 5,
  config => '{"relation": "hub.crm", "format": "json", "user_column": "username", "attributes_column": "attributes", "max_age": "1 hour"}');
-- The same customers once more under a name that says whose they are.
SELECT roster.create_source('crm-only', iam => 'builtin', kind => 'table', config => '{
  "query": "SELECT username, attribute, value FROM hub.attributes WHERE system = ''crm'' AND attribute = ''customer'' AND NOT deleted",
  "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value", "prefix": "crm"}');
SELECT roster.set_merge_rule('region', 'priority');
SELECT roster.sync_table_now(s) FROM unnest('{hr,crm,crm-only}'::text[]) s;
