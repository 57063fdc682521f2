-- Users and groups, their memberships, and what a role does not have: attributes, and closed facts as history.
SELECT (SELECT count(*) FROM roster.users u WHERE u.active) + (SELECT count(*) FROM roster.groups),
       (SELECT count(*) FROM roster.memberships),
       (SELECT count(*) FROM roster.user_attributes) + (SELECT count(*) FROM roster.group_attributes);
