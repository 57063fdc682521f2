//! `assume_user`: another identity, up to the end of the transaction.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{assumed, call, load};

/// Only `roster_impersonator` may call it, which `sql/90_privileges.sql` sees to.
#[pg_extern(sql = false, volatile, parallel_unsafe)]
fn assume_user(username: Option<&str>, iam: Option<&str>) -> i64 {
    let username = required("username", username);
    let iam = required("iam", iam);
    let found = call::at_moment(|_| load::user_of_name(username, iam));
    let user_id = found.map_or_else(|| refuse_unknown(username, iam), |user| user.user_id);
    assumed::assume(user_id);
    user_id
}

fn required<'a>(argument: &str, value: Option<&'a str>) -> &'a str {
    value.unwrap_or_else(|| {
        refuse(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("argument \"{argument}\" must not be NULL"),
            "Pass the name of an active user; \"iam\" is 'builtin' when left out.".into(),
        )
    })
}

fn refuse_unknown(username: &str, iam: &str) -> ! {
    refuse(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("active user \"{username}\" does not exist in identity manager \"{iam}\""),
        "Argument \"username\": see roster.users, the user may be disabled; argument \"iam\" says where to look.".into(),
    )
}

fn refuse(code: PgSqlErrorCode, message: String, hint: String) -> ! {
    ErrorReport::new(code, message, "assume_user").set_hint(hint).report(PgLogLevel::ERROR);
    unreachable!("an ERROR report does not return")
}
