//! The body of a request: read before the handlers see it, so that a slow client holds up nobody else.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{EXPECT, HeaderMap};
use futures_util::StreamExt;
use roster_scim::error::ScimType;
use serde_json::Value;

use super::answer::Refusal;

pub const LARGEST: usize = 16 * 1024 * 1024;
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A client that is cut off while it sends does not see the answer: what is too large is read a while.
const MOST_OF_TOO_LARGE: usize = 4 * LARGEST;
/// What comes with a request that is refused for another reason.
const MOST_OF_REFUSED: usize = 1024 * 1024;
const LONGEST_DISCARD: Duration = Duration::from_secs(3);

pub async fn read(body: Body) -> Result<Bytes, Refusal> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    loop {
        let piece = match tokio::time::timeout(LONGEST_PAUSE, pieces.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => return Ok(whole.into()),
            Ok(Some(Err(_))) => {
                return Err(Refusal::bad(ScimType::InvalidSyntax, "the body ended before it was complete"));
            }
            Err(_) => {
                let detail =
                    format!("the body did not arrive: nothing came for {} s", LONGEST_PAUSE.as_secs());
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, detail));
            }
        };
        if whole.len() + piece.len() > LARGEST {
            discard_some(&mut pieces, MOST_OF_TOO_LARGE).await;
            return Err(too_large());
        }
        whole.extend_from_slice(&piece);
    }
}

/// Of a request that is refused before its body is looked at. Whoever waits for a `100 Continue` has not sent it.
pub async fn discard(body: Body, headers: &HeaderMap) {
    if !headers.contains_key(EXPECT) {
        discard_some(&mut body.into_data_stream(), MOST_OF_REFUSED).await;
    }
}

async fn discard_some(pieces: &mut BodyDataStream, most: usize) {
    let discard = async {
        let mut discarded = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            discarded += piece.len();
            if discarded > most {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LONGEST_DISCARD, discard).await;
}

fn too_large() -> Refusal {
    let detail = format!("the body is larger than {} MiB; send it in several requests", LARGEST >> 20);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// The body as JSON, whatever its content type says.
#[derive(Debug)]
pub struct JsonBody(pub Value);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        let bytes = read(request.into_body()).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(Refusal::bad(ScimType::InvalidSyntax, "the request needs a body: a JSON object"));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self(value)),
            Err(error) => {
                Err(Refusal::bad(ScimType::InvalidSyntax, format!("the body is not JSON: {error}")))
            }
        }
    }
}
