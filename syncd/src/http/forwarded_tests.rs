use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn seen(trusted: &[&str], peer: &str, pairs: &[(&'static str, &str)]) -> (String, String) {
    let proxies = Proxies::new(trusted.iter().map(|text| text.parse().unwrap()).collect());
    let origin = proxies.origin(&headers(pairs), peer.parse().unwrap(), false);
    (format!("{}://{}", origin.scheme, origin.host), origin.client.to_string())
}

fn pair(base: &str, client: &str) -> (String, String) {
    (base.to_owned(), client.to_owned())
}

#[test]
fn strangers_are_not_believed() {
    let said = [
        ("host", "a:8480"),
        ("forwarded", "for=1.2.3.4;proto=https;host=evil"),
        ("x-forwarded-proto", "https"),
    ];
    assert_eq!(seen(&[], "10.0.0.1:5", &said), pair("http://a:8480", "10.0.0.1"));
    assert_eq!(seen(&["10.0.0.2"], "10.0.0.1:5", &said), pair("http://a:8480", "10.0.0.1"));
}

#[test]
fn trusted_proxies_tell_scheme_host_and_client() {
    let forwarded = [
        ("host", "inner"),
        ("forwarded", r#"For="[2001:db8::1]:4711"; Proto=HTTPS;host="id.example.org:8443""#),
    ];
    let expected = pair("https://id.example.org:8443", "2001:db8::1");
    assert_eq!(seen(&["10.0.0.0/8"], "10.9.9.9:5", &forwarded), expected);
    let x_forwarded = [
        ("host", "inner"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "id.example.org"),
    ];
    assert_eq!(
        seen(&["::ffff:10.0.0.1", "10.0.0.1"], "10.0.0.1:5", &x_forwarded),
        pair("https://id.example.org", "192.0.2.7")
    );
}

#[test]
fn of_several_hops_the_first_tells_the_host_and_the_last_stranger_is_the_client() {
    let said = [
        ("forwarded", "for=6.6.6.6, for=192.0.2.7;host=outer;proto=https"),
        ("forwarded", "for=10.0.0.2;host=inner;proto=http"),
    ];
    assert_eq!(seen(&["10.0.0.0/8"], "10.0.0.1:5", &said), pair("https://outer", "192.0.2.7"));
}

#[test]
fn what_is_no_host_is_ignored() {
    let said = [("host", "a b"), ("forwarded", r#"host="x/../y";proto=gopher;for=unknown"#)];
    assert_eq!(seen(&["10.0.0.1"], "10.0.0.1:5", &said), pair("http://localhost", "10.0.0.1"));
}

#[test]
fn separators_within_quotes_do_not_separate() {
    assert_eq!(split(r#"a="x,\",y",b"#, ','), [r#"a="x,\",y""#, "b"]);
    assert_eq!(unquoted(r#""a\"b""#), "a\"b");
}

#[test]
fn networks_are_read_and_compared_by_their_first_bits() {
    let network: Network = "10.1.0.0/16".parse().unwrap();
    assert!(network.contains("10.1.200.3".parse().unwrap()));
    assert!(!network.contains("10.2.0.1".parse().unwrap()));
    assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("8.8.8.8".parse().unwrap()));
    assert!("2001:db8::/32".parse::<Network>().unwrap().contains("2001:db8:1::1".parse().unwrap()));
    for wrong in ["", "10.0.0.0/33", "::/129", "host", "10.0.0.1/x"] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
}
