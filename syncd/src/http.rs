//! The HTTP server: connections, limits, who may call, and what is answered when something is wrong. What SCIM means
//! is in `crate::scim`.

mod address;
pub mod answer;
pub mod api;
pub mod body;
pub mod caller;
mod connection;
mod credentials;
mod enter;
mod forwarded;
mod health;
mod intake;
mod key;
mod limiter;
mod literals;
mod log;
mod panics;
mod paths;
pub mod problem;
mod refusals;
mod router;
mod server;
mod shape;
mod sources;
pub mod state;
mod tls;
mod visit;

pub use answer::{Answer, Refusal};
pub use api::ApiCaller;
pub use body::JsonBody;
pub use caller::Caller;
pub use forwarded::Network;
pub use problem::Problem;
pub use server::{HttpServer, ServerError};
pub use state::HttpState;
