//! What a cookie's value is in the program.

use std::borrow::Cow;

/// A type whose values are kept in cookies.
///
/// It is bytes and text, as they are; with the feature `serde` it is whatever is in a
/// [`Packed`](super::Packed) too. Where a cookie is [sealed](super::CookieSpec::sealed) any bytes can
/// be in it; else only those that a browser leaves alone.
pub trait CookieValue: Sized {
    /// The bytes; `None` if there are none for this value.
    fn to_bytes(&self) -> Option<Cow<'_, [u8]>>;

    /// The value of these bytes; `None` if they are none of this type.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl CookieValue for Vec<u8> {
    fn to_bytes(&self) -> Option<Cow<'_, [u8]>> {
        Some(self.into())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl CookieValue for String {
    fn to_bytes(&self) -> Option<Cow<'_, [u8]>> {
        Some(self.as_bytes().into())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(Self::from)
    }
}

/// A value of a type of yours, packed by [postcard](https://postcard.jamesmunns.com) into as few bytes
/// as there are: numbers take one to ten, and names of fields take none.
///
/// So the order of fields and of variants is part of the format. Who changes it gives the
/// [`Sealer`](super::Sealer) another purpose, and nobody reads the old as the new.
///
/// ```
/// use donjon::cookies::{CookieValue, Packed};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Deserialize, PartialEq, Serialize)]
/// struct Basket {
///     court: u8,
///     hours: Vec<u32>,
/// }
///
/// let basket = Packed(Basket { court: 3, hours: vec![18, 19] });
/// let bytes = basket.to_bytes().unwrap();
/// assert_eq!(*bytes, [3, 2, 18, 19]);
/// assert_eq!(Packed::from_bytes(&bytes), Some(basket));
///
/// assert_eq!(Packed::<Basket>::from_bytes(&[3, 2, 18, 19, 0]), None, "nothing may be left over");
/// ```
#[cfg(feature = "serde")]
#[cfg_attr(docsrs, doc(cfg(feature = "serde")))]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "it is a wrapper")]
pub struct Packed<T>(pub T);

#[cfg(feature = "serde")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> CookieValue for Packed<T> {
    fn to_bytes(&self) -> Option<Cow<'_, [u8]>> {
        postcard::to_allocvec(&self.0).ok().map(Cow::Owned)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
        rest.is_empty().then_some(Self(value))
    }
}
