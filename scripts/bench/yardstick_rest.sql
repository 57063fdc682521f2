-- The same for what a synchronisation writes besides facts: which source claims what, and what groups inherit.
\set ON_ERROR_STOP on
SET work_mem = '128MB';
\copy yardstick.copied_user_claim from user_claim (format binary)
\copy yardstick.copied_group_claim from group_claim (format binary)
\copy yardstick.copied_group_closure from group_closure (format binary)
\copy yardstick.copied_group_effective from group_effective (format binary)
BEGIN;
INSERT INTO yardstick.user_claim SELECT * FROM yardstick.copied_user_claim ORDER BY source_id, key;
INSERT INTO yardstick.group_claim SELECT * FROM yardstick.copied_group_claim ORDER BY source_id, key;
INSERT INTO yardstick.group_closure SELECT * FROM yardstick.copied_group_closure ORDER BY group_id, ancestor_id;
INSERT INTO yardstick.group_effective SELECT * FROM yardstick.copied_group_effective ORDER BY group_id, name, value;
COMMIT;
