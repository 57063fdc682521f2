-- One user in a thousand gets another value.
UPDATE hr.attributes SET value = 'changed', updated_at = clock_timestamp()
WHERE attribute = 'attribute1' AND username = ANY (ARRAY(SELECT p.username FROM hr.people p WHERE substr(p.username, 5)::integer % 1000 = 0));
VACUUM hr.attributes;
