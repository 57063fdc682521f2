SELECT label, iam_id, source_id, source, config, refusal FROM roster_private.api_enter($1, $2)
