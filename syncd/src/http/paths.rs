//! Clients join addresses in their own ways: `/Users/`, `/v2//Users`.

use axum::http::uri::PathAndQuery;
use axum::http::{Request, Uri};

/// Without slashes that come from joining.
pub fn tidied<B>(mut request: Request<B>) -> Request<B> {
    if let Some(tidy) = tidy(request.uri()) {
        *request.uri_mut() = tidy;
    }
    request
}

/// None: it is as it should be.
fn tidy(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let joined = path.replacen("/v2//", "/v2/", 1);
    let short = joined.strip_suffix('/').filter(|short| !short.is_empty()).unwrap_or(&joined);
    if short == path {
        return None;
    }
    let text = match uri.query() {
        Some(query) => format!("{short}?{query}"),
        None => short.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_of_joining_are_taken_out() {
        for (sent, tidied) in [
            ("/scim/okta/v2/Users/", Some("/scim/okta/v2/Users")),
            ("/scim/okta/v2//Users?filter=a//b/", Some("/scim/okta/v2/Users?filter=a//b/")),
            ("/scim/okta/v2/Users//", Some("/scim/okta/v2/Users/")),
            ("/", None),
            ("/scim/okta/v2/Users?x=/", None),
        ] {
            let tidy = tidy(&sent.parse().unwrap()).map(|uri| uri.to_string());
            assert_eq!(tidy.as_deref(), tidied, "{sent}");
        }
    }
}
