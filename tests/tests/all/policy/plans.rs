//! The same rows whatever the plan: serial, parallel, by index, in partitions, under row-level security.

use roster_tests::{Db, Session};

use super::{PARALLEL, Person, SERIAL, may_see, person, sales};

const MINE: &str = "roster.has_attribute('territory', territory)";

fn with_sales() -> (Db, Person) {
    let db = Db::fresh();
    let anna = person(&db);
    may_see(&db, &anna, &["t3", "t14", "t15", "t92", "t65"]);
    sales(&db);
    (db, anna)
}

fn explain(session: &Session, query: &str) -> String {
    session.lines(&format!("EXPLAIN (COSTS off) {query}")).join("\n")
}

#[test]
fn parallel_and_serial_plans_agree() {
    let (db, anna) = with_sales();
    let name = &anna.name;
    db.run(&format!(
        "CREATE INDEX ON sales (territory); ANALYZE sales;
         SELECT roster.create_group('g'); SELECT roster.add_member('g', '{name}'); SELECT roster.grant_permission('p', username => '{name}');
         SELECT roster.set_user_attribute('{name}', 'area', 't*')"
    ));
    let queries = [
        format!("SELECT count(*), sum(id) FROM sales WHERE {MINE}"),
        format!("SELECT count(*), sum(id) FROM sales WHERE NOT {MINE}"),
        "SELECT count(*) FROM sales WHERE roster.has_attribute_under('territory', territory || '.x')".into(),
        "SELECT count(*) FROM sales WHERE roster.in_group('g') AND roster.in_all_groups('g') AND roster.has_permission('p')".into(),
        "SELECT DISTINCT roster.username(), roster.iam(), roster.current_user_id() FROM sales WHERE id % 7 > 0".into(),
        "SELECT count(*) FROM sales WHERE territory = ANY (roster.attribute_values('territory'))".into(),
        format!("SELECT territory, count(*) FROM sales a JOIN sales b USING (territory) WHERE {MINE} GROUP BY 1 ORDER BY 1"),
    ];
    for query in &queries {
        anna.run(SERIAL);
        let serial = anna.lines(query);
        anna.run(PARALLEL);
        assert!(
            explain(&anna, query).contains("Gather"),
            "{query} goes parallel:\n{}",
            explain(&anna, query)
        );
        assert_eq!(anna.lines(query), serial, "{query}");
        anna.run("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off");
        assert_eq!(anna.lines(query), serial, "{query} without index");
        anna.run("RESET enable_indexscan; RESET enable_bitmapscan; RESET enable_indexonlyscan");
    }
}

#[test]
fn an_index_is_used_wherever_a_literal_list_would() {
    let (db, anna) = with_sales();
    db.run(
        "INSERT INTO sales SELECT i, 'u' || i FROM generate_series(1, 20000) i; CREATE INDEX sales_territory ON sales (territory);
         CREATE TABLE wide (id int, territory varchar(30)); INSERT INTO wide SELECT * FROM sales; CREATE INDEX ON wide (territory);
         CREATE TABLE coded (id int, code text); INSERT INTO coded SELECT id, upper(territory) FROM sales; CREATE INDEX ON coded (lower(code));
         CREATE TABLE hard (id int, territory text); INSERT INTO hard SELECT * FROM sales; CREATE INDEX ON hard (territory);
         ALTER TABLE hard ENABLE ROW LEVEL SECURITY; ALTER TABLE hard FORCE ROW LEVEL SECURITY;
         CREATE POLICY one ON hard USING (roster.has_attribute('territory', territory));
         CREATE VIEW fenced WITH (security_barrier) AS SELECT * FROM sales WHERE roster.has_attribute('territory', territory);
         GRANT ALL ON wide, coded, hard, fenced TO PUBLIC; ANALYZE",
    );
    let condition = "= ANY (roster.attribute_values('territory'::text))";
    for query in [
        "SELECT * FROM sales WHERE roster.has_attribute('territory', territory)",
        "SELECT * FROM sales WHERE roster.has_attribute('territory', territory) AND id > 5",
        "SELECT * FROM wide WHERE roster.has_attribute('territory', territory)",
        "SELECT * FROM coded WHERE roster.has_attribute('territory', lower(code))",
        "SELECT * FROM hard",
        "SELECT * FROM fenced",
        "DELETE FROM hard",
        "UPDATE hard SET id = 0",
    ] {
        let plan = explain(&anna, query);
        assert!(plan.contains("Index Cond") && plan.contains(condition), "{query}\n{plan}");
    }
    for query in [
        "hard",
        "fenced",
        "sales WHERE roster.has_attribute('territory', territory)",
        "wide WHERE roster.has_attribute('territory', territory)",
    ] {
        assert_eq!(anna.number(&format!("SELECT count(*) FROM {query}")), 50, "{query}");
    }
    let guess: f64 = anna
        .lines("EXPLAIN SELECT * FROM sales WHERE roster.has_attribute('territory', territory)")[0]
        .split_once("rows=")
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|rows| rows.parse().ok())
        .expect("an estimate");
    assert!((20.0..200.0).contains(&guess), "the planner expects about 50 rows: {guess}");
}

#[test]
fn no_index_condition_where_it_could_be_wrong() {
    let (db, anna) = with_sales();
    db.run(
        "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
         CREATE TABLE loose (id int, territory text COLLATE loose); INSERT INTO loose SELECT id, upper(territory) FROM sales; INSERT INTO loose SELECT * FROM sales;
         CREATE INDEX ON loose (territory);
         CREATE TABLE hashed (id int, territory text); INSERT INTO hashed SELECT * FROM sales; CREATE INDEX ON hashed USING hash (territory);
         CREATE TABLE named (name text, territory text); INSERT INTO named SELECT 'territory', territory FROM sales; CREATE INDEX ON named (territory);
         GRANT SELECT ON loose, hashed, named TO PUBLIC; ANALYZE",
    );
    anna.run("SET enable_seqscan = off");
    for query in [
        "SELECT * FROM loose WHERE roster.has_attribute('territory', territory)",
        "SELECT * FROM hashed WHERE roster.has_attribute('territory', territory)",
        "SELECT * FROM named WHERE roster.has_attribute(name, territory)",
        "SELECT * FROM named WHERE NOT roster.has_attribute('territory', territory)",
        "SELECT * FROM named WHERE roster.has_attribute('territory', territory) IS NOT TRUE",
    ] {
        let plan = explain(&anna, query);
        assert!(!plan.contains("attribute_values"), "{query}\n{plan}");
    }
    assert_eq!(
        anna.number("SELECT count(*) FROM loose WHERE roster.has_attribute('territory', territory)"),
        50,
        "bytes decide"
    );
    assert_eq!(
        anna.number("SELECT count(*) FROM hashed WHERE roster.has_attribute('territory', territory)"),
        50
    );
    assert_eq!(anna.number("SELECT count(*) FROM named WHERE roster.has_attribute(name, territory)"), 50);
}

#[test]
fn other_orders_of_text_keep_their_index() {
    let (db, anna) = with_sales();
    db.run(
        "INSERT INTO sales SELECT i, 'u' || i FROM generate_series(1, 20000) i;
         CREATE TABLE c (id int, territory text COLLATE \"C\"); INSERT INTO c SELECT * FROM sales; CREATE INDEX ON c (territory);
         CREATE TABLE p (id int, territory text); INSERT INTO p SELECT * FROM sales; CREATE INDEX ON p (territory text_pattern_ops);
         CREATE TABLE d (id int, territory text); INSERT INTO d SELECT * FROM sales; CREATE INDEX ON d (territory COLLATE \"und-x-icu\" DESC);
         GRANT SELECT ON c, p, d TO PUBLIC; ANALYZE",
    );
    for table in ["c", "p"] {
        let query = format!("SELECT * FROM {table} WHERE {MINE}");
        assert!(explain(&anna, &query).contains("attribute_values"), "{query}\n{}", explain(&anna, &query));
    }
    for table in ["c", "p", "d"] {
        assert_eq!(anna.number(&format!("SELECT count(*) FROM {table} WHERE {MINE}")), 50, "{table}");
    }
}

/// An array condition on a later column would return rows out of the order that the planner takes them to have.
#[test]
fn rows_come_in_order_whichever_column_of_the_index_it_is() {
    let (db, anna) = with_sales();
    db.run(
        "CREATE INDEX first ON sales (territory, id); CREATE INDEX later ON sales (id, territory); ANALYZE sales",
    );
    anna.run("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET enable_incremental_sort = off");
    for (order, key) in [
        ("id, territory", "id"),
        ("territory, id", "territory"),
        ("id DESC, territory DESC", "id"),
        ("territory DESC, id DESC", "territory"),
    ] {
        let query = format!("SELECT id, territory FROM sales WHERE {MINE} ORDER BY {order}");
        assert!(explain(&anna, &query).contains("Index"), "{order}: {}", explain(&anna, &query));
        let rows = anna.lines(&query);
        anna.run("SET enable_indexscan = off; SET enable_indexonlyscan = off");
        assert_eq!(rows, anna.lines(&query), "by {key}: {order}");
        anna.run("RESET enable_indexscan; RESET enable_indexonlyscan");
        assert_eq!(rows.len(), 50);
    }
    let merged = format!(
        "SELECT count(*) FROM (SELECT id FROM sales WHERE {MINE} ORDER BY id, territory) a JOIN (SELECT id FROM sales ORDER BY id, territory) b USING (id)"
    );
    anna.run("SET enable_hashjoin = off; SET enable_nestloop = off");
    assert_eq!(anna.number(&merged), 50);
}

#[test]
fn partitions_and_nested_loops() {
    let (db, anna) = with_sales();
    db.run(
        "CREATE TABLE parted (id int, territory text) PARTITION BY HASH (id);
         DO $$ BEGIN FOR i IN 0..19 LOOP
             EXECUTE format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES WITH (MODULUS 20, REMAINDER %s)', i, i);
         END LOOP; END $$;
         INSERT INTO parted SELECT * FROM sales; ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON parted USING (roster.has_attribute('territory', territory));
         CREATE TABLE names (name text); INSERT INTO names VALUES ('territory'), ('other'), (NULL);
         GRANT SELECT ON parted, names TO PUBLIC; ANALYZE",
    );
    assert_eq!(anna.number("SELECT count(*) FROM parted"), 50);
    anna.run(PARALLEL);
    assert_eq!(anna.number("SELECT count(*) FROM parted"), 50);
    anna.run(SERIAL);
    db.run("CREATE INDEX ON parted (territory); ANALYZE");
    assert_eq!(anna.number("SELECT count(*) FROM parted"), 50);
    anna.run("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off");
    assert_eq!(
        anna.lines("SELECT n.name, count(*) FROM names n, parted p WHERE roster.has_attribute(n.name, p.territory) GROUP BY 1"),
        ["territory|50"]
    );
}

#[test]
fn row_level_security_in_all_its_forms() {
    let (db, anna) = with_sales();
    let owner = db.login(&[]);
    let owner_name = owner.line("SELECT session_user");
    db.run(&format!(
        "ALTER TABLE sales OWNER TO {owner_name}; ALTER TABLE sales ENABLE ROW LEVEL SECURITY;
         CREATE POLICY mine ON sales USING (roster.has_attribute('territory', territory));
         CREATE POLICY few ON sales USING (id < 3);
         GRANT INSERT ON sales TO PUBLIC;
         CREATE VIEW through AS SELECT * FROM sales; ALTER VIEW through OWNER TO {owner_name}; GRANT SELECT ON through TO PUBLIC;
         CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM sales'; ALTER FUNCTION counted() OWNER TO {owner_name}"
    ));
    assert_eq!(anna.number("SELECT count(*) FROM sales"), 52, "policies are joined by OR");
    db.run("DROP POLICY few ON sales");
    assert_eq!(anna.number("SELECT count(*) FROM sales"), 50);
    assert_eq!(owner.number("SELECT count(*) FROM sales"), 1000, "the owner is exempt");
    assert_eq!(anna.number("SELECT count(*) FROM through"), 1000, "and so are views of the owner");
    db.run("ALTER TABLE sales FORCE ROW LEVEL SECURITY");
    assert_eq!(owner.number("SELECT count(*) FROM sales"), 0, "forced, and nobody");
    assert_eq!(anna.number("SELECT count(*) FROM through"), 50, "who asks counts, not who owns the view");
    assert_eq!(anna.number("SELECT counted()"), 50, "nor who owns the function");
    let told = anna.error("INSERT INTO sales VALUES (2000, 't1')");
    assert!(told.contains("[42501]"), "{told}");
    anna.run("INSERT INTO sales VALUES (2000, 't3'); DELETE FROM sales WHERE territory = 't14'");
    assert_eq!(anna.number("SELECT count(*) FROM sales"), 41);
    let told = anna.error("UPDATE sales SET territory = 't1'");
    assert!(told.contains("[42501]"), "{told}");
    assert_eq!(db.number("SELECT count(*) FROM sales"), 991);
    db.run(
        "DROP POLICY mine ON sales; CREATE POLICY denied ON sales USING (NOT roster.in_group('suspended'))",
    );
    assert_eq!(anna.number("SELECT count(*) FROM sales"), 991);
    assert_eq!(
        db.login(&[]).number("SELECT count(*) FROM sales"),
        0,
        "nobody is not known not to be suspended"
    );
}
