//! A page with a nonce is one response to one request. A cache that hands it to others hands them
//! the nonce too, and then it marks nothing.

use bytes::Bytes;

use crate::head::{Name, ResponseHead};
use crate::trace;

/// Sees to it that no shared cache keeps the response, unless the handler insists.
pub(super) fn keep_from<H: ResponseHead>(response: &mut H) {
    match said(response) {
        Said::Nothing => {
            response.insert_bytes(&CACHE_CONTROL, Bytes::from_static(b"private, no-cache"));
        }
        Said::Private => {}
        // Fails open: who says `public` in as many words is taken at his word, and told.
        Said::Insists => trace::warn!(
            "a response with a nonce may be kept by shared caches, because its handler insists: \
             say `Cache-Control: private` on pages whose scripts need the nonce"
        ),
        Said::Otherwise => {
            let mut values: Vec<_> = response.header(&CACHE_CONTROL).collect();
            values.push(b"private");
            let value = values.join(&b", "[..]);
            response.insert_bytes(&CACHE_CONTROL, value.into());
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Said {
    Nothing,
    Private,
    Insists,
    /// Something that leaves shared caches free to keep it.
    Otherwise,
}

fn said<H: ResponseHead>(response: &H) -> Said {
    let directives = || {
        let values = response.header(&CACHE_CONTROL);
        values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    };
    let says = |wanted: &str| directives().any(|said| said.eq_ignore_ascii_case(wanted.as_bytes()));
    // `private="field"` is about that field alone.
    if says("no-store") || says("private") {
        return Said::Private;
    }
    let shared_age = directives().any(|said| {
        said.split(|byte| *byte == b'=')
            .next()
            .is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"s-maxage"))
    });
    let for_caches = [&CDN_CACHE_CONTROL, &SURROGATE_CONTROL];
    if says("public") || shared_age || for_caches.iter().any(|name| response.contains(name)) {
        return Said::Insists;
    }
    if directives().all(<[u8]>::is_empty) { Said::Nothing } else { Said::Otherwise }
}

static CACHE_CONTROL: Name = Name::from_static("cache-control");
static CDN_CACHE_CONTROL: Name = Name::from_static("cdn-cache-control");
static SURROGATE_CONTROL: Name = Name::from_static("surrogate-control");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_insisting_handler_reaches_shared_caches() {
        for (before, after) in [
            (&[][..], "private, no-cache"),
            (&["no-store"], "no-store"),
            (&["Private, max-age=60"], "Private, max-age=60"),
            (&["max-age=60"], "max-age=60, private"),
            (&["no-cache"], "no-cache, private"),
            (&["max-age=60", "no-cache"], "max-age=60, no-cache, private"),
            (
                &["private=\"set-cookie\", max-age=60"],
                "private=\"set-cookie\", max-age=60, private",
            ),
            (&["publicity"], "publicity, private"),
            (&["public, max-age=60"], "public, max-age=60"),
            (&["s-maxage=60"], "s-maxage=60"),
            (&["public, no-store"], "public, no-store"),
        ] {
            let mut response = http::Response::new(());
            for value in before {
                response
                    .headers_mut()
                    .append("cache-control", http::HeaderValue::from_static(value));
            }

            keep_from(&mut response);

            let values: Vec<_> = response.headers().get_all("cache-control").iter().collect();
            assert_eq!(values, [after], "{before:?}");
        }
    }

    #[test]
    fn a_header_for_caches_alone_is_insisting_too() {
        let mut response =
            http::Response::builder().header("cdn-cache-control", "max-age=60").body(()).unwrap();

        keep_from(&mut response);

        assert!(!response.headers().contains_key("cache-control"));
    }
}
