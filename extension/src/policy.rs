//! Policy helpers: who the current user is and what holds for them, fast enough to be asked once per row.
//!
//! | module      | what it holds                                                        | needs PostgreSQL |
//! |-------------|----------------------------------------------------------------------|------------------|
//! | `helpers`   | the functions that SQL calls                                         | yes              |
//! | `assume`    | `assume_user`                                                        | yes              |
//! | `call`      | arguments of a call, and its shortcut to the answer of the row before | yes              |
//! | `moment`    | what an answer depends on                                            | yes              |
//! | `cache`     | what was found out, by moment                                        | no               |
//! | `load`      | finds out what the cache does not have                               | yes              |
//! | `statement` | the library's own SQL: kept plans, run as roster_owner               | yes              |
//! | `assumed`   | the assumed user: a setting that nobody else can set                 | yes              |
//! | `support`   | what the planner is told of `has_attribute`                          | yes              |
//! | `array`     | values as an array                                                   | yes              |
//! | `values`    | a set of texts, and hierarchy on dots                                | no               |
//! | `backend`   | state of this process                                                | no               |

mod array;
mod assume;
mod assumed;
mod backend;
mod cache;
mod call;
mod helpers;
mod load;
mod moment;
mod statement;
mod support;
mod values;

/// Called once, when PostgreSQL loads the library: by the first helper of a session, or in a parallel worker.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn _PG_init() {
    assumed::register();
}
