-- The rows that the first synchronisation wrote, as files in the current folder.
\set ON_ERROR_STOP on
\copy roster_private.app_user TO 'app_user.copy'
\copy roster_private.user_claim TO 'user_claim.copy'
\copy roster_private.app_group TO 'app_group.copy'
\copy roster_private.group_claim TO 'group_claim.copy'
\copy roster_private.membership TO 'membership.copy'
\copy roster_private.nesting TO 'nesting.copy'
\copy roster_private.user_attribute TO 'user_attribute.copy'
\copy roster_private.group_attribute TO 'group_attribute.copy'
\copy roster_private.group_closure TO 'group_closure.copy'
\copy roster_private.group_effective TO 'group_effective.copy'
