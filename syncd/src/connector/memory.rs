//! What a source stated before, for connectors that read changes only. The pipeline answers; connectors
//! know no database.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::ConnectorError;
use crate::record::{Key, Kind, Member, Reference};

pub type Answer<'a, T> = BoxFuture<'a, Result<T, ConnectorError>>;

pub trait Memory: Debug + Send + Sync {
    /// Where the last run ended. `None`: everything is to be read.
    fn cursor(&self) -> Option<&Value>;

    /// To be told before the first record, where there is a cursor and everything is read all the same.
    fn everything(&self);

    /// To be told before the first record, where everyone who is there is mentioned: much of it will be unchanged.
    fn everyone(&self);

    /// Whom groups mean by these.
    fn members<'a>(&'a self, references: &'a [Reference]) -> Answer<'a, HashMap<Reference, Member>>;

    /// Who of these was there.
    fn known<'a>(&'a self, keys: &'a [Key]) -> Answer<'a, HashSet<Key>>;

    /// External ids of the groups that list one of these without a member behind it, or whose member went by it.
    fn waiting<'a>(&'a self, references: &'a [Reference]) -> Answer<'a, Vec<String>>;

    /// External ids of entries that could not be taken: they may be fine by now.
    fn again(&self) -> Answer<'_, Vec<(Kind, String)>>;

    /// Inner entries of the tree, and what they were called.
    fn containers(&self) -> Answer<'_, HashMap<Key, Reference>>;
}

/// Inner entries of the tree as they are called now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Containers {
    /// These are all; otherwise those that changed.
    pub all: bool,
    pub names: HashMap<Key, Reference>,
}
