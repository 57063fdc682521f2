use super::*;

fn operations(operations: Value) -> Vec<Operation> {
    operations.as_array().unwrap().iter().cloned().map(Operation::read).collect()
}

fn refused(body: Value) -> ScimError {
    BulkRequest::read(body).unwrap_err()
}

#[test]
fn what_is_no_bulk_request_is_refused() {
    assert_eq!(refused(json!([])).scim_type, Some(ScimType::InvalidSyntax));
    assert!(refused(json!({"Operations": []})).detail.contains(BULK_REQUEST));
    assert!(refused(json!({"schemas": [BULK_REQUEST]})).detail.contains("Operations"));
    assert!(
        refused(json!({"schemas": [BULK_REQUEST], "Operations": [], "failOnErrors": "x"}))
            .detail
            .contains("failOnErrors")
    );
    let many = vec![json!({}); MOST_OPERATIONS + 1];
    assert_eq!(refused(json!({"schemas": [BULK_REQUEST], "Operations": many})).status, 413);
}

#[test]
fn an_operation_with_a_fault_stops_only_itself() {
    let read = operations(json!([
        1, {"method": "GET", "path": "/Users"}, {"method": "post", "path": "/Users/1"}, {"method": "PUT", "path": "/Users"},
        {"method": "POST", "path": "/Me"}, {"Method": "delete", "PATH": "Groups/7"}
    ]));
    assert_eq!(read.iter().filter(|operation| operation.target.is_err()).count(), 5);
    let target = read[5].target.as_ref().unwrap();
    assert_eq!((target.kind, target.id.as_deref()), (roster_scim::schema::ResourceKind::Group, Some("7")));
    assert_eq!(read[5].method, "DELETE");
}

#[test]
fn a_path_waits_for_what_it_names() {
    let read = operations(json!([
        {"method": "PATCH", "path": "/Groups/bulkId:g"}, {"method": "POST", "path": "/Users", "bulkId": "u"},
        {"method": "POST", "path": "/Groups", "bulkId": "g"}, {"method": "PUT", "path": "/Users/bulkId:u"},
        {"method": "DELETE", "path": "/Users/bulkId:nobody"}
    ]));
    assert_eq!(order(&read), [1, 2, 0, 3, 4]);
}

#[test]
fn references_are_found_anywhere() {
    let read = operations(json!([
        {"method": "POST", "path": "/Groups", "bulkId": "g"}, {"method": "POST", "path": "/Users", "bulkId": "u"}
    ]));
    let mut references = References::new(&read).unwrap();
    let (g, u) = (references.drawn(0).to_string(), references.drawn(1).to_string());
    references.settle("g", true);

    let mut later = Vec::new();
    let value = json!({"a": ["bulkId:u", {"b": "members[value eq \"bulkId:g\"]"}], "c": "https://x/Users/bulkId:u", "d": "a bulkId:zzz"});
    let resolved = references.resolve(value, &mut later).unwrap();
    let expected = json!({"a": [u, {"b": format!("members[value eq \"{g}\"]")}], "c": format!("https://x/Users/{u}"), "d": "a bulkId:zzz"});
    assert_eq!(resolved, expected);
    assert_eq!(later, [u.clone(), u]);

    assert_eq!(references.resolve(json!("bulkId:x"), &mut later).unwrap_err().status, 400);
    references.settle("u", false);
    assert_eq!(references.resolve(json!(["bulkId:u"]), &mut later).unwrap_err().status, 409);
    assert_eq!(references.id_in_path("bulkId:g").unwrap(), g);
}

#[test]
fn two_new_resources_cannot_have_one_name() {
    let read = operations(json!([
        {"method": "POST", "path": "/Users", "bulkId": "u"}, {"method": "POST", "path": "/Users", "bulkId": "u"}
    ]));
    assert!(References::new(&read).is_err());
}
