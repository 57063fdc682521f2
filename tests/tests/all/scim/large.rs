//! Large groups: read without keeping them in memory, changed without reading them.

use roster_tests::wait_until;
use serde_json::json;

use super::{Lab, values};

const MEMBERS: usize = 20_000;

/// A group of so many members, made of rows: what HTTP does with one user it need not do twenty thousand times here.
fn with_large_group() -> (Lab, String, Vec<String>) {
    let lab = Lab::new();
    lab.db.run(&format!(
        "DO $$
         DECLARE
             v_source integer := (SELECT source_id FROM roster_private.source WHERE source = 'idp-scim');
         BEGIN
             FOR at IN 0 .. {MEMBERS} - 1 BY 500 LOOP
                 PERFORM roster_private.scim_put_user(v_source, 'bulk', gen_random_uuid(), true, NULL, true,
                     jsonb_build_object('userName', 'u' || n), jsonb_build_object('username', 'u' || n),
                     'u' || n, NULL, NULL, NULL, '{{}}', true, '{{}}', '{{}}', '{{}}', '{{}}', '{{}}')
                 FROM generate_series(at + 1, at + 500) n;
                 COMMIT;
             END LOOP;
         END $$"
    ));
    let ids = lab.db.lines("SELECT scim_id FROM roster_private.scim_user ORDER BY rid");
    let all: Vec<_> = ids.iter().map(String::as_str).collect();
    let group = lab.new_group("Everybody", &all);
    (lab, group, ids)
}

#[test]
fn a_group_of_twenty_thousand() {
    let (lab, group, mut ids) = with_large_group();
    let path = format!("/Groups/{group}");
    ids.sort();
    assert_eq!(values(&lab.scim.get(&path).expect(200).json["members"]), ids);

    // Read again and again, the daemon does not grow.
    let before = lab.served.peak_bytes();
    for _ in 0..4 {
        lab.scim.get(&path).expect(200);
        lab.scim.query("/Groups", &[("filter", "displayName eq \"Everybody\"")]).expect(200);
    }
    let grown = lab.served.peak_bytes().saturating_sub(before);
    assert!(grown < 6 << 20, "reading took {grown} bytes more");

    // A client that does not read holds nothing but its connection.
    let request = format!(
        "GET {}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nConnection: close\r\n\r\n",
        lab.scim.prefix, lab.scim.authorization
    );
    let idle: Vec<_> = (0..4)
        .map(|_| {
            let mut stream =
                std::net::TcpStream::connect(("127.0.0.1", lab.scim.port)).expect("syncd listens");
            std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it reads");
            stream
        })
        .collect();
    wait_until("others are served", || lab.scim.get("/ServiceProviderConfig").status == 200);
    drop(idle);

    // A member more, a member less, found by filter; none of it lists the group.
    let one = lab.new_user("one-more");
    lab.scim.patch(&path, &json!([{"op": "add", "path": "members", "value": [{"value": one}]}])).expect(200);
    let found = lab.scim.query(
        "/Groups",
        &[("filter", &format!("members[value eq \"{one}\"]")), ("excludedAttributes", "members")],
    );
    assert_eq!(found.expect(200).each("id"), [group.as_str()]);
    lab.scim
        .patch(&path, &json!([{"op": "remove", "path": format!("members[value eq \"{one}\"]")}]))
        .expect(200);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships"), MEMBERS as i64);
    let answer =
        lab.scim.patch(&path, &json!([{"op": "replace", "path": "displayName", "value": "All"}])).expect(200);
    assert!(
        answer.json.get("members").is_none(),
        "an answer to PATCH leaves out the members of a large group"
    );
    lab.scim
        .patch(&path, &json!([{"op": "replace", "path": "members", "value": [{"value": one}]}]))
        .expect(200);
    assert_eq!(lab.members("All"), ["one-more"]);
}
