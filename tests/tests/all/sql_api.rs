//! docs/sql-api.md is written from the catalog: what it says is what the database has.
//! After a change: `UPDATE_DOCS=1 cargo test --release -p roster-tests -- sql_api`.

use roster_tests::{Db, repository};

const HEAD: &str = "# SQL API

Written from the catalog by a test; do not edit. Arguments may be named. Views and functions are in schema `roster`.
";

#[test]
fn the_reference_is_the_catalog() {
    let page =
        format!("{HEAD}\n## Views\n{}\n## Functions\n{}", views(&Db::fresh()), functions(&Db::fresh()));
    let file = repository().join("docs/sql-api.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/sql-api.md is out of date: run the tests once with UPDATE_DOCS=1");
}

fn views(db: &Db) -> String {
    db.lines(
        r#"SELECT format(E'\n### `%s`\n%s\n\n| column | type | |\n|---|---|---|\n%s', c.relname, obj_description(c.oid, 'pg_class'),
                         string_agg(format('| `%s` | %s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
                                           replace(col_description(c.oid, a.attnum), '|', '\|')), E'\n' ORDER BY a.attnum))
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
           WHERE c.relnamespace = 'roster'::regnamespace AND c.relkind = 'v'
           GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C""#,
    )
    .join("\n")
        + "\n"
}

fn functions(db: &Db) -> String {
    db.lines(
        r#"SELECT format(E'\n### `%s(%s) -> %s`\n%s', p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
                         obj_description(p.oid, 'pg_proc'))
           FROM pg_proc p WHERE p.pronamespace = 'roster'::regnamespace
             AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'i')
           ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C""#,
    )
    .join("\n")
        + "\n"
}
