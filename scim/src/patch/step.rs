//! One change of a document, with everything resolved that the document has no part in.

use serde_json::{Map, Value};

use crate::filter::Plan;

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub target: Target,
    pub change: Change,
}

#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Canonical URN of the extension, None for core.
    pub urn: Option<String>,
    /// Canonical name.
    pub name: String,
    /// The brackets of the path.
    pub selection: Option<Selection>,
    pub sub: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Selection {
    /// Holds for the folded elements that are meant.
    pub plan: Plan,
    /// What an element must have for that, if the filter says so: a conjunction of `eq`.
    pub template: Option<Map<String, Value>>,
    /// Without such an element: create it from the template, else 400 noTarget.
    pub creates: bool,
}

/// Values are canonical.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Unset,
    Set(Value),
    /// `add` to a field that has no definition: its value tells whether it is a list.
    Extend(Value),
    /// Sub-attributes of a single complex value or of the selected elements.
    Merge {
        fields: Map<String, Value>,
        cleared: Vec<String>,
    },
    /// The selected elements become this. What their filter demands stays, if `keeps_template`.
    Overwrite {
        fields: Map<String, Value>,
        keeps_template: bool,
    },
    /// Elements to have besides those that are there.
    Append(Vec<Value>),
    /// Elements to have no longer.
    Take(Vec<Value>),
}
