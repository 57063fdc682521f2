SELECT change, kind, iam, subject, name, to_jsonb(before) AS before, to_jsonb(after) AS after
FROM roster.sync_changes
WHERE run_id = $1
ORDER BY
    array_position(ARRAY['user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute'], kind::text),
    subject COLLATE "C", name COLLATE "C", change DESC, before, after
