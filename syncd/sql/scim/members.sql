SELECT m.group_rid, m.kind, m.value, m.display
FROM unnest($2::bigint[]) WITH ORDINALITY page(rid, place)
CROSS JOIN LATERAL (
    SELECT s.group_rid, s.member_rid, s.kind, s.value, s.display
    FROM roster_private.scim_members s
    WHERE s.source_id = $1 AND s.group_rid = page.rid
) m
ORDER BY page.place, m.kind DESC, m.member_rid
