//! PATCH (RFC 7644 section 3.5.2). A message is read once into steps over canonical values and a net change of members; the
//! steps then apply to a document, all or none, and members never pass through it.

mod append;
mod apply;
mod compile;
mod members;
mod message;
mod step;
mod template;

use std::collections::BTreeSet;

use serde_json::Value;

pub use members::MemberChange;

use crate::document::Document;
use crate::error::{ScimError, ScimType};
use crate::profile::Profile;
use crate::resource::require_name;
use crate::schema::{Registry, ResourceKind};

/// What a PatchOp message asks for.
#[derive(Debug, Clone)]
pub struct Patch {
    kind: ResourceKind,
    steps: Vec<step::Step>,
    members: MemberChange,
    dropped: BTreeSet<String>,
}

impl Patch {
    pub fn parse(
        registry: &Registry,
        kind: ResourceKind,
        profile: Profile,
        body: &Value,
    ) -> Result<Patch, ScimError> {
        let mut compiler = compile::Compiler::new(registry, kind, profile);
        for operation in message::operations(profile, body)? {
            compiler.operation(operation)?;
        }
        let (steps, members, dropped) = compiler.finish();
        Ok(Patch { kind, steps, members, dropped })
    }

    /// False: the document stays as it is, whatever it is.
    pub fn touches_document(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The net effect of all operations on the members of a group.
    pub fn members(&self) -> &MemberChange {
        &self.members
    }

    /// Paths of unknown attributes that were left out.
    pub fn dropped(&self) -> &BTreeSet<String> {
        &self.dropped
    }

    /// The document after all steps. An error of any of them is an error of all.
    pub fn apply(&self, registry: &Registry, document: &Document) -> Result<Document, ScimError> {
        let mut changed = document.clone();
        for step in &self.steps {
            apply::run(step, registry, self.kind, &mut changed)?;
        }
        if self.touches_document() {
            require_name(self.kind, &changed).map_err(|_| unassigned_name(self.kind))?;
        }
        Ok(changed)
    }
}

/// RFC 7644 section 3.5.2.2.
fn unassigned_name(kind: ResourceKind) -> ScimError {
    let name = match kind {
        ResourceKind::User => "userName",
        ResourceKind::Group => "displayName",
    };
    ScimError::bad(ScimType::Mutability, format!("\"{name}\" is required: replace it, but do not remove it"))
}

#[cfg(test)]
mod tests;
