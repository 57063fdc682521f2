-- Comments on the public views. A column of one name means the same everywhere, so it is described once.

COMMENT ON VIEW roster.identity_managers IS 'Identity managers: origins of identities. "builtin" is always there.';
COMMENT ON VIEW roster.sources IS 'What feeds identity managers, with schedule and health: ok, running (and its process lives), failing (the last run failed, or lost its process), stale (an hour past its time), blocked (guard), never_ran, disabled.';
COMMENT ON VIEW roster.users IS 'Users, disabled ones too.';
COMMENT ON VIEW roster.groups IS 'Groups.';
COMMENT ON VIEW roster.memberships IS 'Who is directly in which group: users (member_kind user) and groups (member_kind group), one row per source that says so.';
COMMENT ON VIEW roster.user_attributes IS 'Attribute values stated on users, before inheritance, one row per source that states them.';
COMMENT ON VIEW roster.group_attributes IS 'Attribute values stated on groups, before inheritance, one row per source that states them.';
COMMENT ON VIEW roster.effective_groups IS 'Active users with every group they are in, directly or through nesting.';
COMMENT ON VIEW roster.effective_attributes IS 'What holds: active users with every distinct attribute value, their own and inherited.';
COMMENT ON VIEW roster.attribute_origins IS 'Where each effective value comes from: one row per user''s own value and source, and per group joined, group that carries the value and source.';
COMMENT ON VIEW roster.user_profiles IS 'Users with all that holds for them, one document each, sorted.';
COMMENT ON VIEW roster.merge_rules IS 'How the values of an attribute combine; names that are not listed unite.';
COMMENT ON VIEW roster.effective_permissions IS 'Permissions that active users have, once per way: default, user or group.';
COMMENT ON VIEW roster.permission_grants IS 'Permissions as they were granted.';
COMMENT ON VIEW roster.platforms IS 'Platforms with their rules.';
COMMENT ON VIEW roster.platform_users IS 'Active users by the name they have on a platform; a name that several claim is nobody.';
COMMENT ON VIEW roster.platform_collisions IS 'Names on a platform that several active users claim: they resolve to nobody until an administrator decides.';
COMMENT ON VIEW roster.platform_attributes IS 'Effective attributes by the name on a platform: what a data platform joins on.';
COMMENT ON VIEW roster.guards IS 'How many removals of a kind one run of a source may make: more than max_count and more than max_percent is blocked.';
COMMENT ON VIEW roster.api_keys IS 'API keys, revoked ones and those rotated away too; never the key itself.';
COMMENT ON VIEW roster.scim_log IS 'SCIM requests that were refused, or taken only in part, with their shape: no values, no secrets. The newest 10,000 of a source, for 30 days.';
COMMENT ON VIEW roster.dead_letters IS 'Events of push sources that could not be applied: waiting for their subject, or dead. roster.retry_dead_letter() and roster.discard_dead_letter() deal with them; those left are forgotten after 90 days.';
COMMENT ON VIEW roster.sync_runs IS 'Runs of sources. Single SQL calls appear in roster.changes only.';
COMMENT ON VIEW roster.sync_changes IS 'Every change of a run, planned or applied.';
COMMENT ON VIEW roster.quarantine IS 'Entries that could not be taken at the last complete run of their source. They count as present: what was known of them stays.';
COMMENT ON VIEW roster.changes IS 'Audit trail and change feed. Rows not numbered yet have change_id NULL; roster.read_changes() numbers and returns.';
COMMENT ON VIEW roster.webhooks IS 'Who is told of changes, how far that has come, and what is in the way.';
COMMENT ON VIEW roster.webhook_deliveries IS 'What webhooks are told, and how that went: what waits, the newest 10,000 of each that were delivered and as many that failed, for 30 days.';
COMMENT ON VIEW roster.my_attributes IS 'Attribute values of the current user.';
COMMENT ON VIEW roster.my_groups IS 'Groups that the current user is in, directly or through nesting.';
COMMENT ON VIEW roster.my_profile IS 'The current user in one document, as in roster.user_profiles.';

DO $$
DECLARE
    v_text   jsonb := $json${
        "iam": "Identity manager.", "kind": "Kind.", "display_name": "Name for people.", "enabled": "False: nothing runs.",
        "case_sensitive": "Whether usernames differ by case.", "created_at": "When it came to be.", "updated_at": "When it last changed.",
        "source": "Source that owns the fact; \"manual\" = SQL calls.", "schedule": "cron(5) rule: minute hour day month weekday; NULL = on request only.",
        "next_run_at": "When the schedule fires next.", "priority": "For merge rules: the highest number wins.", "last_run_id": "Last run that ended.",
        "last_success_at": "When a run last succeeded.", "health": "ok, running, failing, stale, blocked, never_ran or disabled.",
        "config": "Configuration by kind; secrets are references.", "time_zone": "Time zone in which the schedule is read.",
        "last_error": "Why the last run failed or was blocked.", "user_id": "Number of the user, never used again.", "username": "Name of the account, Unicode NFC.",
        "external_id": "Immutable id in the source: entryUUID, objectGUID, SCIM id.", "email": "E-mail address.",
        "active": "False: disabled, by an administrator or because no source states the user any more.",
        "profile": "General information as a JSON object; never an entitlement.", "group_id": "Number of the group, never used again.",
        "group_name": "Name of the group, unique per identity manager.", "member_kind": "user or group.", "member_name": "Username or group name of the member.",
        "since": "When the source first stated it.", "valid_from": "Holds from then on; NULL = always.", "valid_until": "Holds up to then, not including; NULL = for ever.",
        "member_id": "user_id or group_id of the member.", "owner": "Username or group name that the value is stated on.", "name": "Name of the attribute.",
        "value": "One value.", "direct": "Whether the user is directly in the group.", "depth": "Steps from the user: 1 = direct.",
        "origin": "user = stated on the user, group = inherited.", "path": "Shortest chain of group names from the group joined to the one that carries the value; empty for own values.",
        "wins": "False where a merge rule drops the value.", "stale": "Past the max_age of its source.", "platforms": "Platform usernames by platform.",
        "groups": "Effective groups, sorted.", "attributes": "Effective attributes: {\"name\": [\"value\", ...]}, sorted.", "permissions": "Effective permissions, sorted.",
        "max_count": "Removals allowed, as a number.", "max_percent": "Removals allowed, in percent of what the source states.",
        "run_id": "Run of a source; NULL for single changes.", "mode": "apply or plan.", "trigger": "schedule, manual, event or login.",
        "state": "queued, running, succeeded, failed, blocked or cancelled.", "started_at": "When it began, or was asked for.", "finished_at": "When it ended.",
        "read": "Entries read from the source.", "added": "Changes that add.", "changed": "Changes that change.", "removed": "Changes that remove; disabling a user is one.",
        "quarantined": "Entries that could not be taken.", "message": "For people: why it failed or was blocked, what was noticed.",
        "change": "add, change or remove.", "subject": "What changed: username, group name, source.", "before": "As it was; NULL when it was not.", "after": "As it is; NULL when it is not, or when there is nothing but the name.",
        "key": "Name or id of the entry in its source.", "reason": "Why it could not be taken.", "entry": "The entry: mapped fields only.",
        "rule": "union, nearest or priority.", "permission": "Name of the permission.", "platform": "Name of the platform.",
        "platform_username": "How the user is called there.", "usernames": "Who claims the name, sorted.",
        "case_rule": "exact or insensitive.", "fallback_iams": "Whose users are called by their username when nothing else is set; NULL = all.",
        "change_id": "Number in the feed, ascending without omission for a reader; NULL until numbered.", "changed_at": "When it took effect.", "actor": "Role that made the change.",
        "label": "Name of the key; rotation leaves it to the new one.", "prefix": "First characters of the key, to tell it by.",
        "scopes": "What the key is good for: scim, push, user-info, changes, console.", "expires_at": "Valid up to then; NULL = until revoked.",
        "last_used_at": "When it was last used, to the minute; NULL = never.", "revoked_at": "When it was revoked; NULL = it was not.",
        "logged_at": "When the last request of this kind came.", "method": "HTTP method; NULL where only the refusal of the key counts.",
        "path": "Path below /scim/IAM/v2; literals of filters are masked.", "status": "HTTP status of the answer.", "scim_type": "scimType of the error (RFC 7644 table 9).",
        "url": "Where deliveries are sent; parameters are not shown.", "events": "What it is told of; NULL = everything.",
        "position": "Last change number that was turned into deliveries.", "pending": "Deliveries that wait to be sent, or to be tried again.",
        "failed": "Deliveries that were given up.", "last_delivered_at": "When something was last delivered.",
        "lag": "Age of the oldest change that it was not told of; NULL = none.", "delivery_id": "Number of the delivery.", "webhook": "Label of the webhook.",
        "event": "What is told, such as attributeAdded.", "attempts": "How often it was tried.", "next_attempt_at": "When it is due; NULL = no more.",
        "delivered_at": "When the receiver took it.",
        "options": "Options, a JSON object.", "default_permissions": "What new users are given once, sorted.",
        "shape": "What was sent: names and structure, with values masked.", "count": "How many equal ones came within the hour.",
        "dead_letter_id": "Number of the letter.", "event_id": "Id of the event; made up for calls, which have none.", "type": "Type of the event.",
        "received_at": "When the event came.", "occurred_at": "Time of the event, which orders it among others.", "data": "What the event stated, or what is left of it."
    }$json$;
    v_column record;
BEGIN
    FOR v_column IN
        SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'roster'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN roster.%I.%I IS %L', v_column.relname, v_column.attname, v_text ->> v_column.attname);
    END LOOP;
END $$;
COMMENT ON COLUMN roster.identity_managers.kind IS 'Kind as given; informational.';
COMMENT ON COLUMN roster.effective_permissions.origin IS 'default (given at the first provisioning), user (direct) or group.';
COMMENT ON COLUMN roster.permission_grants.origin IS 'default (given at the first provisioning), user (direct) or group.';
COMMENT ON COLUMN roster.merge_rules.name IS 'Name of the attribute.';
COMMENT ON COLUMN roster.sources.kind IS 'ldap, scim, table, endpoint, push, login or manual.';
COMMENT ON COLUMN roster.sources.source IS 'Name of the source.';
COMMENT ON COLUMN roster.guards.kind IS 'user, group, membership, nesting, user_attribute or group_attribute.';
COMMENT ON COLUMN roster.quarantine.kind IS 'user, group, membership (a member whom nobody knows), or platform_username (the user is taken without it).';
COMMENT ON COLUMN roster.quarantine.run_id IS 'Run that first found the entry so; NULL for what was pushed.';
COMMENT ON COLUMN roster.changes.kind IS 'As in sync_changes, and identity_manager, source, guard, override, password (that it was set), lockout, api_key, webhook, scim_user and scim_group (a request that changed a resource and no fact).';
COMMENT ON COLUMN roster.sync_changes.kind IS 'user, group, membership (subject group, name user), nesting (subject group, name group inside it), user_attribute, group_attribute, permission, platform_username (name platform).';
COMMENT ON COLUMN roster.sync_changes.name IS 'Attribute, member, nested group or platform.';
COMMENT ON COLUMN roster.changes.name IS 'Attribute, member or nested group.';
COMMENT ON COLUMN roster.sync_changes.run_id IS 'Run of a source.';
COMMENT ON COLUMN roster.sync_runs.run_id IS 'Number of the run.';
COMMENT ON COLUMN roster.api_keys.source IS 'Source that the key acts in; NULL = none, or the only one of the kind that a scope needs.';
COMMENT ON COLUMN roster.scim_log.source IS 'Source of the key; NULL when the key was not accepted.';
COMMENT ON COLUMN roster.scim_log.label IS 'Label of the key; NULL when it is not known.';
COMMENT ON COLUMN roster.dead_letters.source IS 'Push source of the key.';
COMMENT ON COLUMN roster.dead_letters.origin IS 'CloudEvents attribute source of the event; call = a call.';
COMMENT ON COLUMN roster.dead_letters.subject IS 'User or group that the event is about, as the source calls them.';
COMMENT ON COLUMN roster.dead_letters.state IS 'waiting (applied by itself when the subject appears) or dead (bad data).';
COMMENT ON COLUMN roster.dead_letters.reason IS 'Whom it waits for, or what is wrong with it.';
COMMENT ON COLUMN roster.scim_log.reason IS 'The detail of the error, or which attributes were left out.';
COMMENT ON COLUMN roster.sources.running_run_id IS 'Run that is under way, of a process that lives.';
COMMENT ON COLUMN roster.sources.run_timeout IS 'A run that takes longer fails; 0 = no limit.';
COMMENT ON COLUMN roster.sources.failures IS 'Runs that failed since the last one that did not.';
COMMENT ON COLUMN roster.sources.retry_at IS 'When a daemon tries again after a failed or interrupted run, later where credentials were refused; NULL = at the next schedule.';
COMMENT ON COLUMN roster.webhooks.label IS 'Name of the webhook.';
COMMENT ON COLUMN roster.webhooks.enabled IS 'False: nothing is sent; what happens is told when it is enabled again.';
COMMENT ON COLUMN roster.webhooks.last_error IS 'Why nothing can be sent, or why a delivery that waits or was given up was not taken.';
COMMENT ON COLUMN roster.webhook_deliveries.change_id IS 'The change that it tells of, or the first of several.';
COMMENT ON COLUMN roster.webhook_deliveries.subject IS 'Username or group name.';
COMMENT ON COLUMN roster.webhook_deliveries.state IS 'pending, delivered or failed (given up: see roster.redeliver_webhook).';
COMMENT ON COLUMN roster.webhook_deliveries.status IS 'HTTP status of the last answer; NULL = there was none.';
COMMENT ON COLUMN roster.webhook_deliveries.last_error IS 'Why it was not taken.';
