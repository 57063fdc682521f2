-- An endpoint with names of its own. psql variables: source, answers (a URL).
\set ON_ERROR_STOP on
\o /dev/null
SELECT roster.create_source(:'source', iam => 'corp', kind => 'endpoint',
    config => jsonb_build_object('url', :'answers' || '/facts', 'concurrency', 8, 'prefix', :'source'));
CHECKPOINT;
