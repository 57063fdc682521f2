SELECT page.rid, page.id, page.version, page.created_at, page.modified_at, page.document, {groups} AS groups, page.sort_key
FROM (
    SELECT listed.*
    FROM (
        SELECT r.rid, r.id, r.version, r.created_at, r.modified_at, r.document, {sort_key} AS sort_key
        FROM {resources} r
        WHERE ({condition}) AND r.source_id = $1
    ) listed
    WHERE {after}
    ORDER BY {order}
    LIMIT {limit} OFFSET {offset}
) page
ORDER BY {order}
