-- The members of a group as rows. psql variable: id.
COPY (SELECT m.value, m.display FROM roster_private.scim_members m
      WHERE m.group_rid = (SELECT g.rid FROM roster_private.scim_groups g WHERE g.id = :'id')) TO STDOUT;
