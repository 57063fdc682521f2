-- The rows that the synchronisation has written, one file each in the current folder.
\set ON_ERROR_STOP on
\copy roster_private.app_user to app_user (format binary)
\copy roster_private.app_group to app_group (format binary)
\copy roster_private.membership to membership (format binary)
\copy roster_private.nesting to nesting (format binary)
\copy roster_private.user_attribute to user_attribute (format binary)
\copy roster_private.group_attribute to group_attribute (format binary)
\copy roster_private.user_claim to user_claim (format binary)
\copy roster_private.group_claim to group_claim (format binary)
\copy roster_private.group_closure to group_closure (format binary)
\copy roster_private.group_effective to group_effective (format binary)
