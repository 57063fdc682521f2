//! What a filter asks of the database.

use chrono::{DateTime, Utc};

use crate::schema::ResourceKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompareOp {
    Eq,
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl CompareOp {
    pub const ALL: [CompareOp; 9] = [
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Co,
        CompareOp::Sw,
        CompareOp::Ew,
        CompareOp::Gt,
        CompareOp::Ge,
        CompareOp::Lt,
        CompareOp::Le,
    ];

    /// The keyword on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            CompareOp::Eq => "eq",
            CompareOp::Ne => "ne",
            CompareOp::Co => "co",
            CompareOp::Sw => "sw",
            CompareOp::Ew => "ew",
            CompareOp::Gt => "gt",
            CompareOp::Ge => "ge",
            CompareOp::Lt => "lt",
            CompareOp::Le => "le",
        }
    }

    /// Keywords compare without case.
    pub fn from_keyword(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word))
    }

    /// True for the operators that look into text.
    pub fn is_substring(self) -> bool {
        matches!(self, CompareOp::Co | CompareOp::Sw | CompareOp::Ew)
    }

    /// True for the operators that need no order.
    pub fn is_equality(self) -> bool {
        matches!(self, CompareOp::Eq | CompareOp::Ne)
    }

    /// True if text, numbers or times that compare as `ordering` are what the operator wants.
    pub fn accepts(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            CompareOp::Eq => ordering.is_eq(),
            CompareOp::Ne => ordering.is_ne(),
            CompareOp::Gt => ordering.is_gt(),
            CompareOp::Ge => ordering.is_ge(),
            CompareOp::Lt => ordering.is_lt(),
            CompareOp::Le => ordering.is_le(),
            CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
        }
    }
}

/// A comparison with text. Order is by code point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub op: CompareOp,
    pub value: String,
}

/// A comparison with a time; the operator is none that looks into text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeComparison {
    pub op: CompareOp,
    pub at: DateTime<Utc>,
}

/// What providers look resources up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Of users.
    UserName,
    /// Of users.
    ExternalId,
    /// Of groups.
    DisplayName,
}

impl Key {
    /// The key of a folded name, if resources of that kind have an index for it.
    pub(crate) fn of(kind: ResourceKind, name: &str) -> Option<Self> {
        match (kind, name) {
            (ResourceKind::User, "username") => Some(Key::UserName),
            (ResourceKind::User, "externalid") => Some(Key::ExternalId),
            (ResourceKind::Group, "displayname") => Some(Key::DisplayName),
            _ => None,
        }
    }
}

/// A filter over resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Always,
    Never,
    /// A jsonpath that selects something in the search document: `search @? $n::jsonpath`. Never NULL.
    Search(String),
    /// An attribute with an index of its own has this folded text: `search ->> 'key' = $n`. NULL where it has none.
    Key(Key, String),
    /// The id as text, exactly.
    Id(Comparison),
    Created(TimeComparison),
    Modified(TimeComparison),
    /// A group has a member for which this holds.
    Member(LinkCondition),
    /// A user is in a group for which this holds.
    UserGroup(LinkCondition),
}

/// A filter over one link between a group and a member, seen from either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkCondition {
    All(Vec<LinkCondition>),
    Any(Vec<LinkCondition>),
    Not(Box<LinkCondition>),
    /// The id of the other side as text, exactly.
    Value(Comparison),
    /// Its name; the value is folded without case (`resource::fold_text`), so the name has to be as well.
    Display(Comparison),
    /// `user` or `group` seen from a group, `direct` or `indirect` seen from a user; the value is in lower case.
    Type(Comparison),
    /// Holds for every link. `Not` of it for none.
    Present,
}
