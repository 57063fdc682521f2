-- One document per user.

CREATE VIEW roster.user_profiles AS
SELECT u.user_id, i.iam, u.username, u.display_name, u.email, u.active, u.profile,
       coalesce((SELECT jsonb_object_agg(p.platform, coalesce(n.platform_username, CASE WHEN n.state IS NULL THEN u.username END) ORDER BY p.platform COLLATE "C")
                 FROM roster_private.known_platform p
                 LEFT JOIN roster_private.platform_username n ON n.user_id = u.user_id AND n.platform = p.platform
                 WHERE n.state IS NOT NULL OR p.fallback_ids IS NULL OR u.iam_id = ANY (p.fallback_ids)), '{}') AS platforms,
       coalesce((SELECT array_agg(DISTINCT e.group_name COLLATE "C" ORDER BY e.group_name COLLATE "C")
                 FROM roster.effective_groups e WHERE e.user_id = u.user_id), '{}') AS groups,
       coalesce((SELECT jsonb_object_agg(n.name, n.vals ORDER BY n.name COLLATE "C")
                 FROM (SELECT e.name, jsonb_agg(e.value ORDER BY e.value COLLATE "C") AS vals
                       FROM roster.effective_attributes e WHERE e.user_id = u.user_id GROUP BY e.name) n), '{}') AS attributes,
       coalesce((SELECT array_agg(DISTINCT p.permission COLLATE "C" ORDER BY p.permission COLLATE "C")
                 FROM roster.effective_permissions p WHERE p.user_id = u.user_id), '{}') AS permissions
FROM roster_private.app_user u JOIN roster_private.iam i USING (iam_id);
