//! Sorting (RFC 7644 section 3.4.2.3).

use crate::error::{ScimError, ScimType};
use crate::filter::jsonpath_keys;
use crate::path::{AttrPath, Located, Place, locate};
use crate::schema::{Attribute, DataType, Registry, ResourceKind};

/// What resources are ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sort {
    /// Two jsonpaths into the search document: the primary value, and if there is none, the first one of the other.
    Search {
        preferred: String,
        any: String,
    },
    Id,
    Created,
    Modified,
}

/// Reads `sortBy`. None: it names nothing that has an order here, so the order is left as it is.
pub fn sort(registry: &Registry, kind: ResourceKind, path: &str) -> Result<Option<Sort>, ScimError> {
    let path = AttrPath::parse(path)?;
    if path.filter.is_some() {
        return Err(ScimError::bad(
            ScimType::InvalidPath,
            "\"sortBy\" is an attribute name without brackets",
        ));
    }
    let Some(Located::Attribute(place)) = locate(registry, kind, &path.name()) else { return Ok(None) };
    Ok(match (place.urn.as_deref(), place.name.as_str()) {
        (None, "id") => Some(Sort::Id),
        (None, "meta") => place.sub.as_ref().and_then(|sub| of_meta(&sub.name)),
        (None, "schemas" | "members" | "groups" | "password") => None,
        _ => of_document(&place),
    })
}

fn of_meta(sub: &str) -> Option<Sort> {
    match sub {
        "created" => Some(Sort::Created),
        "lastModified" => Some(Sort::Modified),
        _ => None,
    }
}

fn of_document(place: &Place<'_>) -> Option<Sort> {
    let mut keys: Vec<String> = place.urn.iter().map(|urn| urn.to_lowercase()).collect();
    keys.push(place.name.to_lowercase());
    let sub = match &place.sub {
        Some(sub) => Some(sub.name.to_lowercase()),
        None => significant(place.attribute)?,
    };
    let whole = jsonpath_keys(&keys);
    keys.extend(sub.clone());
    let any = format!("{}[*]", jsonpath_keys(&keys));
    let is_list = place.attribute.is_some_and(|attribute| attribute.multi_valued);
    let preferred = match sub {
        Some(sub) if is_list => format!("{whole} ? (@.\"primary\" == true){}", &jsonpath_keys(&[sub])[1..]),
        _ => any.clone(),
    };
    Some(Sort::Search { preferred, any })
}

/// The sub-attribute by which a complex attribute is ordered; Some(None) for a simple one, None if it has no order.
fn significant(attribute: Option<&Attribute>) -> Option<Option<String>> {
    let Some(attribute) = attribute.filter(|attribute| attribute.data_type == DataType::Complex) else {
        return Some(None);
    };
    let sub = attribute.sub("value").or_else(|| attribute.sub("formatted"))?;
    Some(Some(sub.name.to_lowercase()))
}

#[cfg(test)]
mod tests;
