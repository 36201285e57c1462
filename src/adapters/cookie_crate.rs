//! Cookies of the `cookie` crate: of the version that people use themselves, and of the one that
//! actix-web brings along.

use crate::cookies::{OutgoingCookie, SameSite, SetError};

/// Both directions for one version of the crate.
macro_rules! interoperate {
    ($cookie:path, $same_site:path, $($crate_path:tt)+) => {
        $($crate_path)+
        impl TryFrom<&$cookie> for OutgoingCookie {
            type Error = SetError;

            /// Takes what browsers read as it was meant. A value with a semicolon in it, or a path with
            /// one, is an error.
            fn try_from(cookie: &$cookie) -> Result<Self, SetError> {
                use $same_site as Theirs;

                let made = Self::parse(&cookie.to_string())?;
                let read = made.read();
                let same_site = cookie.same_site().map(|same_site| match same_site {
                    Theirs::None => SameSite::None,
                    Theirs::Lax => SameSite::Lax,
                    Theirs::Strict => SameSite::Strict,
                });
                let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
                let is_meant = read.name() == cookie.name().as_bytes()
                    && read.value() == cookie.value().as_bytes()
                    && read.path().map(<[u8]>::to_vec) == bytes(cookie.path())
                    && read.domain().map(<[u8]>::to_vec) == bytes(cookie.domain())
                    // `SameSite=None` brings `Secure` along.
                    && read.secure() >= cookie.secure().unwrap_or_default()
                    && read.http_only() == cookie.http_only().unwrap_or_default()
                    && read.same_site() == same_site
                    && read.max_age() == cookie.max_age().map(|age| age.whole_seconds());
                if is_meant {
                    return Ok(made);
                }
                Err(SetError::Value { name: cookie.name().to_owned() })
            }
        }

        $($crate_path)+
        impl TryFrom<&OutgoingCookie> for $cookie {
            type Error = SetError;

            fn try_from(cookie: &OutgoingCookie) -> Result<Self, SetError> {
                let name = || String::from_utf8_lossy(cookie.read().name()).into_owned();
                let theirs = Self::parse(cookie.as_str().to_owned())
                    .map_err(|_| SetError::Attribute { name: name() })?;
                // What their version does not know must not get lost.
                match OutgoingCookie::try_from(&theirs) {
                    Ok(back) if back.read().partitioned() == cookie.read().partitioned() => Ok(theirs),
                    _ => Err(SetError::Attribute { name: name() }),
                }
            }
        }
    };
}

interoperate!(
    cookie::Cookie<'static>,
    cookie::SameSite,
    #[cfg_attr(docsrs, doc(cfg(feature = "cookie")))]
);
#[cfg(feature = "actix")]
interoperate!(
    actix_web::cookie::Cookie<'static>,
    actix_web::cookie::SameSite,
    #[cfg_attr(docsrs, doc(cfg(all(feature = "actix", feature = "cookie"))))]
);
