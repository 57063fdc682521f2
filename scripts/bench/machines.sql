-- Users, and what machines need: keys, sources, a watched table. Prints the keys. psql variables: users, answers (a URL).
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\o /dev/null
SELECT roster.create_identity_manager('corp');
SELECT roster.create_user('u' || lpad(n::text, 7, '0'), iam => 'corp') FROM generate_series(0, :users - 1) n;
SELECT roster.create_source('apps', iam => 'corp', kind => 'push', config => '{"rate_limit": 1000000}');
SELECT roster.create_source('crm', iam => 'corp', kind => 'endpoint',
    config => jsonb_build_object('url', :'answers' || '/facts', 'concurrency', 8));
CREATE SCHEMA watched;
CREATE TABLE watched.attributes (username text, attribute text, value text);
CREATE INDEX ON watched.attributes (username);
CREATE TABLE watched.seen (p50 double precision, p99 double precision);
GRANT USAGE ON SCHEMA watched TO syncd_bench;
GRANT SELECT ON watched.attributes TO syncd_bench;
SELECT roster.create_source('watched', iam => 'corp', kind => 'table', config => '{"relation": "watched.attributes",
    "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value"}');
SELECT roster.watch_table('watched');
VACUUM ANALYZE;
\o
SELECT 'push|' || roster.create_api_key('pusher', iam => 'corp', scopes => '{push}', source => 'apps');
SELECT 'changes|' || roster.create_api_key('reader', iam => 'corp', scopes => '{changes}');
