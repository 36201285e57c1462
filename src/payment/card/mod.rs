//! Card numbers and security codes, kept out of a server that has no business with them.
//!
//! **The attack.** Nobody sends it on purpose. A customer types his card number into the field for a
//! message, a form that somebody has changed posts the card to the wrong server, an address with the number
//! in it is written to six logs. From then on every disk, backup and log it went to is a place where cards
//! are kept, and whoever breaks in takes them.
//!
//! **The rule.** PCI DSS 4.0.1: 3.3.1 (no security codes after authorization, by nobody), 3.4.1 (no more of a
//! number is shown than its first digits and last four), 3.5.1 (none is kept readable, logs included), and the
//! council's FAQ 1157 for those whom card data reaches by a channel not meant for it; OWASP [ASVS 5.0],
//! 14.2 and 16.2.5.
//!
//! - [`CardGuard`] is a layer for axum, tower and actix-web. It looks at the path, the query, every header,
//!   cookies, trailers, and bodies of any kind: JSON, forms, the parts and file names of multipart forms,
//!   text. A request with a number is answered **422**, without an echo.
//! - What counts is the [network's](Network) prefix, the length, the check digit, and how the digits stand:
//!   side by side or in the groups that cards have, with separators between them (spaces, `-`, `.`, `/`, `_`,
//!   `+`), and no letter beside them. Timestamps and UUIDs are never taken for numbers, sixteen random digits
//!   in 2.7 of 100 cases.
//! - Digits are read however they are written: `%34`, `\u0034`, `&#52;`, `４`; and one inside another, as HTML
//!   is in a form and JSON in JSON.
//! - A field that is named for a security code or a card number (`cvv`, `card[cvc]`, `cardNumber`) is refused
//!   also when it is empty: the form that sends it is wrong. Names count in queries, cookies, forms, multipart
//!   forms and JSON.
//! - Bodies are never collected. They go on frame by frame, **byte for byte as they came**, so that signatures
//!   verify; the last few digits of a frame wait for the next one. Whoever cuts a number into pieces hides
//!   nothing by it.
//! - Compressed request bodies are answered 415, as nobody can look into them without unpacking them.
//! - A card number in a response is an alarm; [`block_responses`](CardGuard::block_responses) puts an
//!   empty 500 in its place.
//! - Events are `x_card_data`, with the place, the network and the last four digits.
//! - [`scrub`] and [`Scrubbing`] take numbers out of logs by the same rule, and
//!   `ScrubbedFields` (feature `tracing`) out of fields.
//!
//! What the handler has seen of a body that is refused: the frames before the number, and of the number not
//! one digit. It may have begun to work on them. Its read fails, and whatever it answers is dropped for the
//! 422. If it has answered before, which takes a handler that answers while it reads, the response breaks off.
//! What a handler does not read of a body is not looked at, and reaches nothing.
//!
//! What it does not do: it makes nobody compliant with anything; it helps to keep card data out. It does not
//! find what is encoded otherwise (base64, QR codes, pictures of cards), compressed inside of a body,
//! in exponent notation, spread over fields or lines, or what a web socket carries after its handshake.
//! Security codes by themselves are three digits, and are known by the names of their fields alone, which
//! XML has in another form than is read here, and so have JSON that is sent as a form and JSON in JSON whose quotes
//! are written `\u0022`. A one-time code of your own is
//! named otherwise than `security_code`, which is refused.
//! [`scrub`] leaves those as they are. A letter before a number, or a `%` that escapes nothing, hides it.
//!
//! # Deployment caveats
//!
//! It has to be outside of whatever unpacks requests and inside of whatever compresses responses: bodies
//! that are compressed already pass on their way out.
//!
//! Proxies in front of it have written their logs before. Numbers in addresses are the reason to look there.
//!
//! Some ids are right by the same check digit as cards: a SIRET that begins with 300 to 305, 36, 38 or 39 is
//! also a Diners Club card. Where such numbers are at home, their fields and headers are to be
//! [exempt](CardGuard::exempt_field); what a name exempts, anybody may send in a field of that name. Of 13
//! digits, which Visa no longer issues, those that are an EAN by their check digit pass, and those that are
//! a telephone number by their `+` or as German mobile ones begin. Where tracing adds ids of 64 bits as
//! decimal numbers to requests, as Datadog's `x-datadog-trace-id` and `x-datadog-parent-id`, one in 60 of
//! them is a card number: those headers are to be [exempt](CardGuard::exempt_header).
//!
//! A client that waits for an answer in the middle of its request, as gRPC streams do, may wait for ever
//! where what it has sent ends with digits: they wait for what comes next. Such routes are to be outside.
//!
//! A handler or a library that prints a request before the guard has seen it, prints it. Put the
//! [`Scrubbing`] writer under the log as well.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use axum::body::{Body, to_bytes};
//! use donjon::adapters::card::tower::Watched;
//! use donjon::event::{EventLog, EventName, MemorySink};
//! use donjon::middleware::Stack;
//! use donjon::payment::card::CardGuard;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! /// Stores what people write, and gives it back.
//! async fn note(request: Request<Watched<Body>>) -> Result<Response<Body>, Infallible> {
//!     let note = to_bytes(Body::new(request.into_body()), 10_000).await.unwrap_or_default();
//!     Ok(Response::new(note.into()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let memory = MemorySink::default();
//! let log = EventLog::builder().memory(&memory).build()?;
//! let service = ServiceBuilder::new()
//!     .map_response(|response: Response<Watched<Body>>| response.map(Body::new))
//!     .layer(CardGuard::new().exempt_field("siret")?)
//!     .service_fn(note);
//! let service = tower::Layer::layer(&Stack::new((log,)), service);
//!
//! let send = async |body: &'static str| {
//!     let request = Request::post("/notes").header("content-type", "application/json");
//!     service.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
//! };
//!
//! let clean = r#"{"note": "call me", "siret": "36227206271667", "at": 1700000000000}"#;
//! let response = send(clean).await;
//! assert_eq!(response.status(), 200);
//! assert_eq!(to_bytes(response.into_body(), 10_000).await?, clean, "byte for byte");
//!
//! for refused in [r#"{"note": "4111 1111 1111 1111, thanks"}"#, r#"{"cvv": ""}"#] {
//!     assert_eq!(send(refused).await.status(), 422);
//! }
//! assert_eq!(memory.names(), [EventName::CardData; 2]);
//! assert_eq!(memory.events()[0].owasp_line(), "x_card_data:,body,visa,1111");
//! # Ok(())
//! # }
//! ```
//!
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en

pub use self::error::ConfigError;
pub use self::guard::CardGuard;
pub use self::heads::CardHeads;
#[doc(hidden)]
pub use self::heads::HeadsMemo;
pub use self::network::Network;
pub use self::scanner::{Finding, Scanner};
pub use self::scrub::{Scrubbing, scrub};
#[cfg(feature = "tracing")]
pub use self::trace::ScrubbedFields;
pub(crate) use self::watch::{Filter, Stop, Stopped};

mod eight;
mod error;
mod escape;
mod fields;
mod glance;
mod guard;
mod heads;
mod hit;
mod iban;
mod json;
mod multipart;
mod name;
mod network;
mod pairs;
mod policy;
mod run;
mod scanner;
mod scrub;
mod symbol;
#[cfg(test)]
mod tests;
#[cfg(feature = "tracing")]
mod trace;
mod watch;
