//! `tracing`, or nothing: call sites need no `#[cfg]`.

#[cfg(feature = "tracing")]
pub(crate) use tracing::warn;

#[cfg(not(feature = "tracing"))]
macro_rules! warn_ {
    ($($field:ident = %$value:expr,)+ $($message:tt)+) => {{ $(let _ = &$value;)+ }};
    ($($argument:tt)*) => {
        ()
    };
}
#[cfg(not(feature = "tracing"))]
pub(crate) use warn_ as warn;
