//! What every middleware of this crate is: a decision on the request head and an edit of the
//! response head.
//!
//! A [`Middleware`] knows no framework. The same value is a tower layer (`.layer(x)`) and, with the
//! feature `actix`, an actix-web middleware (`.wrap(x)`).
//!
//! # Stacks
//!
//! A tuple of middleware is a middleware, and [`Stack`] puts it around an app as **one** layer.
//! That is worth doing: each `axum::Router::layer` call boxes a service and costs several
//! allocations per request whatever the layer does.
//!
//! # Example
//!
//! A middleware of your own, together with one of ours:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::head::{Name, RequestHead, ResponseHead};
//! use donjon::headers::SecurityHeaders;
//! use donjon::middleware::{Middleware, Stack};
//! use donjon::refusal::Refusal;
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! #[derive(Clone)]
//! struct NoRobots;
//!
//! impl Middleware for NoRobots {
//!     type Memo = ();
//!     type Refusal = Refusal;
//!
//!     fn admit<R: RequestHead>(&self, request: &mut R, _: &mut ()) -> Result<(), Refusal> {
//!         static USER_AGENT: Name = Name::from_static("user-agent");
//!         let robot = request.header(&USER_AGENT).any(|agent| agent == b"robot");
//!         if robot {
//!             return Err(Refusal::new(StatusCode::FORBIDDEN, "robot"));
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ServiceBuilder::new()
//!     .layer(Stack::new((SecurityHeaders::strict().build()?, NoRobots)))
//!     .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new("hello".into())) });
//!
//! let request = Request::builder().header("user-agent", "robot").body(())?;
//! let response: Response<axum::body::Body> = service.oneshot(request).await?;
//!
//! assert_eq!(response.status(), 403);
//! assert_eq!(response.headers()["x-frame-options"], "DENY", "refusals are covered too");
//! # Ok(())
//! # }
//! ```

use std::pin::Pin;

use crate::adapters::adapt;
use crate::head::{RequestHead, ResponseHead};
use crate::lint::{Finding, Layers};
use crate::refusal::{MaybeRefusal, Refusal};

/// A decision on the request head and an edit of the response head.
pub trait Middleware {
    /// What [`admit`](Self::admit) leaves for [`finish`](Self::finish).
    type Memo: Default;

    /// [`Refusal`], or [`Infallible`](std::convert::Infallible) for a
    /// middleware that never refuses and therefore asks nothing of the response body.
    type Refusal: MaybeRefusal;

    /// Lets the request pass or refuses it.
    fn admit<R: RequestHead>(
        &self,
        request: &mut R,
        memo: &mut Self::Memo,
    ) -> Result<(), Self::Refusal>;

    /// Edits the head of the response, whoever made it: the handler, a layer nearer to it, or a
    /// refusal. In a stack a refusal is finished by every member, also by those further in than the
    /// one that refused; they see their memo as `Default` made it.
    ///
    /// actix-web may ask for the response of one error several times, so doing this twice must be
    /// doing it once.
    fn finish<H: ResponseHead>(&self, memo: &Self::Memo, response: &mut H) {
        let _ = (memo, response);
    }

    /// Says what of it matters to others, and what of it is weak: see [`Stack::lint`].
    fn describe(&self, layers: &mut Layers) {
        let _ = layers;
    }
}

/// A middleware whose decision may have to wait for a store, on the few routes that need one.
///
/// It sees the head of the request before it waits, and nothing of it afterwards: what it waits for
/// borrows nothing, and is in a box.
pub trait AsyncMiddleware: Clone + Send + Sync + 'static {
    /// What [`admit`](Self::admit) leaves for the way back. A request that is given up drops it.
    type Memo: Default + Send;

    /// Lets the request pass or refuses it, now or later.
    fn admit<R: RequestHead>(&self, request: &mut R, memo: &mut Self::Memo) -> Admission;

    /// Does what the response's status asks for, once, before the response goes out.
    fn settle(&self, memo: &Self::Memo, status: u16) -> Option<Later<()>> {
        let _ = (memo, status);
        None
    }

    /// Edits the head of the response, as [`Middleware::finish`]. Doing this twice must be doing it
    /// once.
    fn finish<H: ResponseHead>(&self, memo: &Self::Memo, response: &mut H) {
        let _ = (memo, response);
    }
}

/// What an [`AsyncMiddleware`] decides of a request.
#[expect(clippy::exhaustive_enums, reason = "it is now or later")]
#[must_use = "a request is let in or refused"]
pub enum Admission {
    /// It is decided.
    Now(Result<(), Refusal>),
    /// It will be.
    Later(Later<Result<(), Refusal>>),
}

/// What is to be waited for.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now(decision) => f.debug_tuple("Now").field(decision).finish(),
            Self::Later(_) => f.debug_tuple("Later").finish_non_exhaustive(),
        }
    }
}

/// Several middleware as one layer: the first is the outermost.
///
/// See the [module docs](self) for an example.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a stack does nothing until it is put around a service"]
pub struct Stack<M>(M);

impl<M: Middleware> Stack<M> {
    /// Takes one middleware or a tuple of up to eight; tuples nest.
    pub const fn new(middleware: M) -> Self {
        Self(middleware)
    }

    /// Weak spots of the layers and of how they stand together, the worst first: for the log at
    /// start-up, and for a test of your own.
    ///
    /// ```
    /// # #[cfg(feature = "csrf")] {
    /// use donjon::cookies::{CookieRule, HardenCookies};
    /// use donjon::csrf::CsrfProtection;
    /// use donjon::lint::Severity;
    /// use donjon::middleware::Stack;
    ///
    /// let widget = CookieRule::new().cross_site("the booking widget on partners' pages");
    /// let cookies = HardenCookies::new().rule("widget", widget).unwrap();
    ///
    /// let worst = Stack::new((cookies.clone(),)).lint().remove(0);
    /// assert_eq!((worst.severity, &*worst.about), (Severity::Serious, "widget"));
    ///
    /// let csrf = CsrfProtection::new(["https://club.example"]).unwrap();
    /// let findings = Stack::new((cookies, csrf)).lint();
    /// assert!(findings.iter().all(|finding| finding.severity < Severity::Serious));
    /// # }
    /// ```
    #[must_use]
    pub fn lint(&self) -> Vec<Finding> {
        let mut layers = Layers::default();
        self.0.describe(&mut layers);
        layers.findings()
    }
}

impl<M: Middleware> Middleware for Stack<M> {
    type Memo = M::Memo;
    type Refusal = M::Refusal;

    fn admit<R: RequestHead>(
        &self,
        request: &mut R,
        memo: &mut Self::Memo,
    ) -> Result<(), Self::Refusal> {
        self.0.admit(request, memo)
    }

    fn finish<H: ResponseHead>(&self, memo: &Self::Memo, response: &mut H) {
        self.0.finish(memo, response);
    }

    fn describe(&self, layers: &mut Layers) {
        self.0.describe(layers);
    }
}

adapt!(Stack<M>);

/// Implements `Middleware` for a tuple; the second list is the first in reverse, as a response
/// passes the innermost member first.
macro_rules! tuple {
    ($($member:ident $index:tt),+; $($back:tt),+) => {
        impl<$($member: Middleware),+> Middleware for ($($member,)+) {
            type Memo = ($($member::Memo,)+);
            type Refusal = tuple!(@refusal $($member)+);

            fn admit<Req: RequestHead>(
                &self,
                request: &mut Req,
                memo: &mut Self::Memo,
            ) -> Result<(), Self::Refusal> {
                tuple!(@admit self request memo $($member $index)+)
            }

            fn finish<Res: ResponseHead>(&self, memo: &Self::Memo, response: &mut Res) {
                $(self.$back.finish(&memo.$back, response);)+
            }

            fn describe(&self, layers: &mut Layers) {
                $(self.$index.describe(layers);)+
            }
        }
    };
    (@refusal $last:ident) => { $last::Refusal };
    (@refusal $first:ident $($rest:ident)+) => {
        <$first::Refusal as MaybeRefusal>::Or<tuple!(@refusal $($rest)+)>
    };
    (@admit $self:ident $request:ident $memo:ident $last:ident $index:tt) => {
        $self.$index.admit($request, &mut $memo.$index)
    };
    (@admit $self:ident $request:ident $memo:ident $first:ident $index:tt $($rest:tt)+) => {
        match $self.$index.admit($request, &mut $memo.$index) {
            Err(refusal) => Err(refusal.left()),
            Ok(()) => (tuple!(@admit $self $request $memo $($rest)+))
                .map_err(<$first::Refusal as MaybeRefusal>::right),
        }
    };
}

tuple!(A 0; 0);
tuple!(A 0, B 1; 1, 0);
tuple!(A 0, B 1, C 2; 2, 1, 0);
tuple!(A 0, B 1, C 2, D 3; 3, 2, 1, 0);
tuple!(A 0, B 1, C 2, D 3, E 4; 4, 3, 2, 1, 0);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5; 5, 4, 3, 2, 1, 0);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6; 6, 5, 4, 3, 2, 1, 0);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7; 7, 6, 5, 4, 3, 2, 1, 0);
