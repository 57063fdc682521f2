-- One attribute of everybody: how many distinct rows.
SELECT count(*) FROM (SELECT user_id, value FROM roster.effective_attributes WHERE name = 'description') AS everybody;
