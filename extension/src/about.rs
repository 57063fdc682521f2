//! What is loaded: the version of this library, and of the interface that the daemon relies on.

use pgrx::prelude::*;

/// Raised when the daemon of an older release could no longer work with this database.
const API_VERSION: i32 = 1;

#[pg_extern(sql = false, immutable, parallel_safe)]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[pg_extern(sql = false, immutable, parallel_safe)]
fn api_version() -> i32 {
    API_VERSION
}
