-- Grants with a window belong to an occasion, not to the configuration.
SELECT iam, group_name, permission FROM roster.permission_grants
WHERE origin = 'group' AND valid_from IS NULL AND valid_until IS NULL
