//! `tracing`, or nothing: call sites need no `#[cfg]`.

#[cfg(feature = "tracing")]
pub(crate) use tracing::warn;

#[cfg(not(feature = "tracing"))]
macro_rules! warn_ {
    ($($argument:tt)*) => {
        ()
    };
}
#[cfg(not(feature = "tracing"))]
pub(crate) use warn_ as warn;
