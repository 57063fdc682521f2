SELECT count(*) FROM roster.memberships;
