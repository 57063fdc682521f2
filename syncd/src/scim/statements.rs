//! The statements of this part of the daemon, and the connection that they run on.

use roster_scim::schema::ResourceKind;

pub const PUT_USER: &str = include_str!("../../sql/scim/put_user.sql");
pub const PUT_GROUP: &str = include_str!("../../sql/scim/put_group.sql");
pub const HOLD: &str = include_str!("../../sql/scim/hold.sql");
pub const USER_GROUPS: &str = include_str!("../../sql/scim/user_groups.sql");
pub const MEMBERS: &str = include_str!("../../sql/scim/members.sql");
/// With gaps for the condition and the group.
pub const MEMBERS_MATCHING: &str = include_str!("../../sql/scim/members_matching.sql");
pub const FEW_MEMBERS: &str = include_str!("../../sql/scim/few_members.sql");

const USER: &str = include_str!("../../sql/scim/user.sql");
const USER_WITH_GROUPS: &str = include_str!("../../sql/scim/user_with_groups.sql");
const GROUP: &str = include_str!("../../sql/scim/group.sql");
const DELETE_USER: &str = include_str!("../../sql/scim/delete_user.sql");
const DELETE_GROUP: &str = include_str!("../../sql/scim/delete_group.sql");

/// One resource by its id.
pub fn one(kind: ResourceKind, with_groups: bool) -> &'static str {
    match kind {
        ResourceKind::User if with_groups => USER_WITH_GROUPS,
        ResourceKind::User => USER,
        ResourceKind::Group => GROUP,
    }
}

pub fn delete(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => DELETE_USER,
        ResourceKind::Group => DELETE_GROUP,
    }
}
