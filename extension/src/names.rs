//! `name_key` for SQL.

use pgrx::prelude::*;

use crate::name_key;

#[pg_extern(sql = false, name = "name_key", immutable, strict, parallel_safe)]
fn sql_name_key(name: &str, case_sensitive: bool) -> String {
    name_key::name_key(name, case_sensitive).into_owned()
}
