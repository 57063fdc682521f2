-- COPY + INSERT..SELECT of the facts, in one transaction and in the order of the primary keys.
\set ON_ERROR_STOP on
SET work_mem = '128MB';
\copy yardstick.copied_app_user from app_user (format binary)
\copy yardstick.copied_app_group from app_group (format binary)
\copy yardstick.copied_membership from membership (format binary)
\copy yardstick.copied_nesting from nesting (format binary)
\copy yardstick.copied_user_attribute from user_attribute (format binary)
\copy yardstick.copied_group_attribute from group_attribute (format binary)
BEGIN;
INSERT INTO yardstick.app_user SELECT * FROM yardstick.copied_app_user ORDER BY user_id;
INSERT INTO yardstick.app_group SELECT * FROM yardstick.copied_app_group ORDER BY group_id;
INSERT INTO yardstick.membership SELECT * FROM yardstick.copied_membership ORDER BY user_id, group_id, source_id;
INSERT INTO yardstick.nesting SELECT * FROM yardstick.copied_nesting ORDER BY parent_id, child_id, source_id;
INSERT INTO yardstick.user_attribute SELECT * FROM yardstick.copied_user_attribute ORDER BY user_id, name, value;
INSERT INTO yardstick.group_attribute SELECT * FROM yardstick.copied_group_attribute ORDER BY group_id, name, value;
COMMIT;
