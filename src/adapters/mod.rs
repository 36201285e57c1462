//! The adapters through which a middleware meets a framework. There is no policy in here.

#[cfg(feature = "actix")]
#[cfg_attr(docsrs, doc(cfg(feature = "actix")))]
pub mod actix;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "payment")]
pub mod card;
#[cfg(feature = "reports")]
pub mod collector;
#[cfg(feature = "cookie")]
mod cookie_crate;
#[cfg(feature = "roles")]
pub mod guarded;
#[cfg(feature = "lockout")]
mod lockout;
#[cfg(all(feature = "payment", any(feature = "actix", feature = "axum")))]
mod payment;
#[cfg(feature = "reqwest")]
#[cfg_attr(docsrs, doc(cfg(feature = "reqwest")))]
pub mod reqwest;
#[cfg(feature = "roles")]
mod roles;
pub mod tower;
#[cfg(any(feature = "lockout", feature = "roles"))]
pub mod waiting;

/// Gives a middleware both adapters: `.layer(..)` in tower, `.wrap(..)` in actix-web.
macro_rules! adapt {
    ($middleware:ident $(<$parameter:ident $(: $bound:path)?>)?) => {
        impl<S $(, $parameter: Clone $(+ $bound)?)?> tower_layer::Layer<S> for $middleware $(<$parameter>)? {
            type Service = $crate::adapters::tower::Guarded<S, Self>;

            fn layer(&self, inner: S) -> Self::Service {
                $crate::adapters::tower::Guarded::new(inner, self.clone())
            }
        }

        #[cfg(feature = "actix")]
        impl<S, B $(, $parameter $(: $bound)?)?> actix_web::dev::Transform<S, actix_web::dev::ServiceRequest>
            for $middleware $(<$parameter>)?
        where
            S: actix_web::dev::Service<
                    actix_web::dev::ServiceRequest,
                    Response = actix_web::dev::ServiceResponse<B>,
                    Error = actix_web::Error,
                >,
            Self: $crate::middleware::Middleware + Clone + 'static,
        {
            type Response = actix_web::dev::ServiceResponse<
                $crate::adapters::actix::Body<Self, B>,
            >;
            type Error = actix_web::Error;
            type Transform = $crate::adapters::actix::Guarded<S, Self>;
            type InitError = ();
            type Future = std::future::Ready<Result<Self::Transform, ()>>;

            fn new_transform(&self, inner: S) -> Self::Future {
                std::future::ready(Ok($crate::adapters::actix::Guarded::new(inner, self.clone())))
            }
        }
    };
}
pub(crate) use adapt;

/// Gives an asynchronous middleware both adapters.
#[cfg(any(feature = "lockout", feature = "roles"))]
macro_rules! adapt_async {
    ($middleware:ident $(<$parameter:ident $(: $bound:path)?>)?) => {
        impl<S $(, $parameter: Clone $(+ $bound)?)?> tower_layer::Layer<S> for $middleware $(<$parameter>)? {
            type Service = $crate::adapters::waiting::tower::Guarded<S, Self>;

            fn layer(&self, inner: S) -> Self::Service {
                $crate::adapters::waiting::tower::Guarded::new(inner, self.clone())
            }
        }

        #[cfg(feature = "actix")]
        impl<S, B $(, $parameter $(: $bound)?)?> actix_web::dev::Transform<S, actix_web::dev::ServiceRequest>
            for $middleware $(<$parameter>)?
        where
            S: actix_web::dev::Service<
                    actix_web::dev::ServiceRequest,
                    Response = actix_web::dev::ServiceResponse<B>,
                    Error = actix_web::Error,
                >,
            Self: $crate::middleware::AsyncMiddleware,
        {
            type Response = actix_web::dev::ServiceResponse<actix_web::body::EitherBody<B>>;
            type Error = actix_web::Error;
            type Transform = $crate::adapters::waiting::actix::Guarded<S, Self>;
            type InitError = ();
            type Future = std::future::Ready<Result<Self::Transform, ()>>;

            fn new_transform(&self, inner: S) -> Self::Future {
                let guarded = $crate::adapters::waiting::actix::Guarded::new(inner, self.clone());
                std::future::ready(Ok(guarded))
            }
        }
    };
}
#[cfg(any(feature = "lockout", feature = "roles"))]
pub(crate) use adapt_async;
