//! The rules of SCIM 2.0 (RFC 7643, RFC 7644, RFC 9865) without any I/O: what a resource may look like, what a filter or a
//! PATCH means, and which facts follow from a resource. The daemon serves them; fuzz targets and property tests call them.

#![forbid(unsafe_code)]

pub mod discovery;
pub mod document;
pub mod error;
pub mod filter;
pub mod mapping;
pub mod patch;
pub mod path;
pub mod profile;
pub mod projection;
pub mod resource;
pub mod schema;
pub mod sort;
