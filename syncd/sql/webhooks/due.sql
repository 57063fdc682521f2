SELECT delivery_id, change_id, event, about, about_id, subject, iam, occurred_at, data
FROM roster_private.due_deliveries($1, $2, $3, $4)
