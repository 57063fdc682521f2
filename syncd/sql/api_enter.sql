SELECT label, iam_id, iam, source_id, source, case_sensitive, config, refusal FROM roster_private.api_enter($1, $2)
