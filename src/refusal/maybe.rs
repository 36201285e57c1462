//! A refusal, where there can be one.

use std::convert::Infallible;

use bytes::Bytes;

use super::Refusal;

/// [`Refusal`] or [`Infallible`]: what a [`Middleware`](crate::middleware::Middleware) may refuse
/// with.
///
/// Only a stack in which some member can refuse asks its response body to be one that can be built;
/// a stack of others takes any body. This trait is how the compiler knows.
pub trait MaybeRefusal: sealed::Sealed + Sized {
    /// What two middleware together may refuse with.
    type Or<B: MaybeRefusal>: MaybeRefusal;

    /// The first one's refusal as that of both.
    fn left<B: MaybeRefusal>(self) -> Self::Or<B>;

    /// The second one's refusal as that of both.
    fn right<B: MaybeRefusal>(other: B) -> Self::Or<B>;

    /// The refusal, if there can be one.
    fn into_refusal(self) -> Refusal;

    /// The same, to look at.
    fn as_refusal(&self) -> &Refusal;

    /// The body of an actix-web response that may be a refusal's.
    #[cfg(feature = "actix")]
    type ActixBody<B>;

    /// The response of the inner service.
    #[cfg(feature = "actix")]
    fn actix_admitted<B>(
        response: actix_web::dev::ServiceResponse<B>,
    ) -> actix_web::dev::ServiceResponse<Self::ActixBody<B>>;

    /// The response to a refused request.
    #[cfg(feature = "actix")]
    fn actix_refused<B>(
        self,
        request: actix_web::dev::ServiceRequest,
    ) -> actix_web::dev::ServiceResponse<Self::ActixBody<B>>;
}

impl MaybeRefusal for Infallible {
    type Or<B: MaybeRefusal> = B;

    fn left<B: MaybeRefusal>(self) -> B {
        match self {}
    }

    fn right<B: MaybeRefusal>(other: B) -> B {
        other
    }

    fn into_refusal(self) -> Refusal {
        match self {}
    }

    fn as_refusal(&self) -> &Refusal {
        match *self {}
    }

    #[cfg(feature = "actix")]
    type ActixBody<B> = B;

    #[cfg(feature = "actix")]
    fn actix_admitted<B>(
        response: actix_web::dev::ServiceResponse<B>,
    ) -> actix_web::dev::ServiceResponse<B> {
        response
    }

    #[cfg(feature = "actix")]
    fn actix_refused<B>(
        self,
        _: actix_web::dev::ServiceRequest,
    ) -> actix_web::dev::ServiceResponse<B> {
        match self {}
    }
}

impl MaybeRefusal for Refusal {
    type Or<B: MaybeRefusal> = Self;

    fn left<B: MaybeRefusal>(self) -> Self {
        self
    }

    fn right<B: MaybeRefusal>(other: B) -> Self {
        other.into_refusal()
    }

    fn into_refusal(self) -> Refusal {
        self
    }

    fn as_refusal(&self) -> &Refusal {
        self
    }

    #[cfg(feature = "actix")]
    type ActixBody<B> = actix_web::body::EitherBody<B>;

    #[cfg(feature = "actix")]
    fn actix_admitted<B>(
        response: actix_web::dev::ServiceResponse<B>,
    ) -> actix_web::dev::ServiceResponse<Self::ActixBody<B>> {
        response.map_into_left_body()
    }

    #[cfg(feature = "actix")]
    fn actix_refused<B>(
        self,
        request: actix_web::dev::ServiceRequest,
    ) -> actix_web::dev::ServiceResponse<Self::ActixBody<B>> {
        request.into_response(self.into_actix_response()).map_into_right_body()
    }
}

/// Makes the response of a refusal, for any body if there can be none.
///
/// Implemented for [`Refusal`] where the body can be made of bytes, and for [`Infallible`].
pub trait Answer<B>: MaybeRefusal {
    /// The response the client gets.
    fn answer(self) -> http::Response<B>;
}

impl<B> Answer<B> for Infallible {
    fn answer(self) -> http::Response<B> {
        match self {}
    }
}

impl<B: From<Bytes>> Answer<B> for Refusal {
    fn answer(self) -> http::Response<B> {
        self.into_response()
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "this is what seals it")]
    pub trait Sealed {}
    impl Sealed for super::Infallible {}
    impl Sealed for super::Refusal {}
}
