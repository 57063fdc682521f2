//! Native helpers of pg_roster: what SQL cannot do, or not fast enough. Thin on purpose; the product is in `sql/`.
//!
//! The SQL signatures, comments and privileges of these functions stand in `sql/`, not here.
//!
//! | module        | what it holds                                                  | needs PostgreSQL |
//! |---------------|----------------------------------------------------------------|------------------|
//! | `about`       | version of the library and of its interface                    | yes              |
//! | `caller`      | the role in force, also inside SECURITY DEFINER functions      | yes              |
//! | `name_key`    | the form in which names are compared                           | no               |
//! | `cron_rule`   | cron(5) rules: parsing them, and when they fire next           | no               |
//! | `schedule`    | `cron_next`: a cron rule in a time zone, on PostgreSQL's clock | yes              |
//! | `fact_digest` | what a source states about a user, in 128 bits                 | yes              |
//! | `names`       | `name_key` for SQL                                             | yes              |
//! | `password`    | what may be a password, and the hash kept of it                | no               |
//! | `credentials` | passwords and random tokens for SQL                            | yes              |
//! | `policy`      | the current user, and what row-level security asks about them  | yes              |

mod about;
mod caller;
mod credentials;
mod cron_rule;
mod fact_digest;
mod name_key;
mod names;
mod password;
mod policy;
mod schedule;

pgrx::pg_module_magic!();
