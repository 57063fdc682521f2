-- The yardstick: the same rows into a table with the same indexes.
INSERT INTO hr.plain (user_id, source_id, opened_no, opened_run, name, value)
SELECT u.user_id, 3, row_number() OVER (), 1, a.attribute, a.value
FROM hr.attributes a JOIN roster_private.app_user u ON u.iam_id = 1 AND u.username_key = a.username;
