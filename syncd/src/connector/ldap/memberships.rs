//! Memberships that no group lists one by one: only reads of everything can tell them.

mod member_of;
mod member_url;

pub(super) use member_of::Edges;
pub(super) use member_url::{Here, expand};
