//! Some responses are for one client alone: a page with a nonce, which marks nothing if a cache hands
//! it to others, and one with somebody's cookie.

use crate::head::{Name, ResponseHead, Value};
use crate::trace;

/// Sees to it that no shared cache keeps the response, unless the handler insists.
pub(crate) fn keep_from<H: ResponseHead>(response: &mut H) {
    match said(response) {
        Said::Nothing => response.insert(&CACHE_CONTROL, &PRIVATE),
        Said::Private => {}
        // Fails open: who says `public` in as many words is taken at his word, and told.
        Said::Insists => trace::warn!(
            "a response with a nonce may be kept by shared caches, because its handler insists: say \
             `Cache-Control: private` where a page is for one client alone"
        ),
        Said::Otherwise => {
            let mut values: Vec<_> = response.header(&CACHE_CONTROL).collect();
            values.push(b"private");
            let value = values.join(&b", "[..]);
            response.insert_bytes(&CACHE_CONTROL, value.into());
        }
    }
}

/// Sees to it that no shared cache keeps the response, whatever the handler says: it may not know that
/// somebody's cookie goes with it.
#[cfg(feature = "cookies")]
pub(crate) fn forbid<H: ResponseHead>(response: &mut H) {
    if insists(response) {
        response.remove(&CDN_CACHE_CONTROL);
        response.remove(&SURROGATE_CONTROL);
        response.insert(&CACHE_CONTROL, &PRIVATE);
    } else {
        keep_from(response);
    }
}

/// Whether the handler wants shared caches to keep the response.
#[cfg(feature = "cookies")]
pub(crate) fn insists<H: ResponseHead>(response: &H) -> bool {
    said(response) == Said::Insists
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
    let names = [&CACHE_CONTROL, &CDN_CACHE_CONTROL, &SURROGATE_CONTROL];
    // Most handlers say nothing, which three look-ups tell.
    if !names.into_iter().any(|name| response.contains(name)) {
        return Said::Nothing;
    }
    let says = |name, wanted| directives(response, name).any(|said| is(said, wanted));
    // `private="field"` is about that field alone.
    if says(&CACHE_CONTROL, "no-store") || says(&CACHE_CONTROL, "private") {
        return Said::Private;
    }
    let insists = |name| {
        let kept = says(name, "no-store") || says(name, "private");
        let shared = directives(response, name).any(|said| {
            let value = said.iter().position(|byte| *byte == b'=').unwrap_or(said.len());
            is(&said[..value], "s-maxage") || is(&said[..value], "public")
        });
        let aged = directives(response, name)
            .any(|said| said.to_ascii_lowercase().starts_with(b"max-age"));
        shared || aged && name.as_str() != CACHE_CONTROL.as_str() && !kept
    };
    if names.into_iter().any(insists) {
        return Said::Insists;
    }
    if directives(response, &CACHE_CONTROL).all(<[u8]>::is_empty) {
        Said::Nothing
    } else {
        Said::Otherwise
    }
}

/// The directives of all values of a header, told apart by the commas outside quotes.
fn directives<'a, H: ResponseHead>(
    response: &'a H,
    name: &'a Name,
) -> impl Iterator<Item = &'a [u8]> {
    response
        .header(name)
        .flat_map(|value| {
            let mut quoted = false;
            value.split(move |byte| {
                quoted ^= *byte == b'"';
                *byte == b',' && !quoted
            })
        })
        .map(<[u8]>::trim_ascii)
}

fn is(said: &[u8], wanted: &str) -> bool {
    said.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())
}

static CACHE_CONTROL: Name = Name::from_static("cache-control");
static PRIVATE: Value = Value::from_static("private, no-cache");
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
            (&["no-cache=\"a, private, b\""], "no-cache=\"a, private, b\", private"),
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

    #[cfg(feature = "cookies")]
    #[test]
    fn somebodys_cookie_is_kept_by_no_cache_whatever_the_handler_says() {
        for (name, value, after) in [
            ("cache-control", "public, max-age=60", "private, no-cache"),
            ("cache-control", "s-maxage=60", "private, no-cache"),
            ("cache-control", "max-age=60", "max-age=60, private"),
            ("cache-control", "no-store", "no-store"),
            ("cdn-cache-control", "max-age=60", "private, no-cache"),
            ("surrogate-control", "max-age=60", "private, no-cache"),
        ] {
            let mut response = http::Response::builder().header(name, value).body(()).unwrap();

            forbid(&mut response);

            let headers = response.headers();
            assert_eq!(headers["cache-control"], after, "{name}: {value}");
            let others = ["cdn-cache-control", "surrogate-control"];
            assert!(!others.iter().any(|other| headers.contains_key(*other)), "{name}: {value}");
        }
    }

    #[test]
    fn a_header_for_caches_alone_may_insist_too() {
        for (value, after) in [
            ("max-age=60", None),
            ("public", None),
            ("no-store", Some("private, no-cache")),
            ("private, max-age=60", Some("private, no-cache")),
            ("", Some("private, no-cache")),
        ] {
            let mut response =
                http::Response::builder().header("cdn-cache-control", value).body(()).unwrap();

            keep_from(&mut response);

            let sent = response.headers().get("cache-control");
            assert_eq!(sent.map(|value| value.to_str().unwrap()), after, "{value}");
        }
    }
}
