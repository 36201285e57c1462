//! Paths that a policy names, and those that requests have.

use crate::head::RequestHead;

/// Paths, each exactly as a request has it: nothing is decoded, and nothing below it is meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExactPaths(Vec<String>);

/// What no request can have for a path, or may have for another one.
#[derive(Debug)]
pub(crate) struct NoPath(pub(crate) String);

impl ExactPaths {
    pub(crate) fn add(&mut self, path: &str) -> Result<(), NoPath> {
        Self::check(path)?;
        self.0.push(path.to_owned());
        Ok(())
    }

    /// Whether a request can have this path.
    pub(crate) fn check(path: &str) -> Result<(), NoPath> {
        let is_sent = |byte: u8| byte.is_ascii_graphic() && !b"?#*\"<>\\^`{|}".contains(&byte);
        // A router may take dots for steps, and then the path is another one.
        let plain = path.to_ascii_lowercase().replace("%2e", ".");
        let has_steps = plain.split('/').any(|segment| segment == "." || segment == "..");
        if !path.starts_with('/') || !path.bytes().all(is_sent) || has_steps {
            return Err(NoPath(path.to_owned()));
        }
        Ok(())
    }

    /// The first that may be taken for one of the others.
    #[cfg(feature = "csrf")]
    pub(crate) fn first_of(&self, others: &Self) -> Option<&str> {
        let is_there = |path: &&String| others.0.iter().any(|other| plain(other).eq(plain(path)));
        self.0.iter().find(is_there).map(String::as_str)
    }

    /// Whether the request is for one of them.
    #[inline]
    pub(crate) fn hold<R: RequestHead>(&self, request: &R) -> bool {
        !self.0.is_empty() && self.0.iter().any(|path| path == request.path())
    }

    /// Whether a router may take the request for one that is for one of them: routers decode, and some
    /// layers take slashes away. For rules that are to hold rather once too often.
    #[cfg(feature = "csrf")]
    pub(crate) fn may_hold<R: RequestHead>(&self, request: &R) -> bool {
        let is_for = |path: &String| {
            [request.path(), request.path_here()].iter().any(|own| plain(path).eq(plain(own)))
        };
        !self.0.is_empty() && self.0.iter().any(is_for)
    }
}

/// The path's bytes, decoded. What cannot be decoded stays.
pub(crate) fn decoded(path: &str) -> impl Iterator<Item = u8> {
    let mut rest = path.as_bytes();
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match hex(*high).zip(hex(*low)) {
                Some((high, low)) => (high << 4 | low, after),
                None => (b'%', rest.get(1..)?),
            },
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    })
}

/// The same, without the slashes that follow a slash or end the path.
#[cfg(feature = "csrf")]
fn plain(path: &str) -> impl Iterator<Item = u8> {
    let mut slash = false;
    decoded(path)
        .flat_map(move |byte| {
            if byte == b'/' {
                slash = true;
                return [None, None];
            }
            [std::mem::take(&mut slash).then_some(b'/'), Some(byte)]
        })
        .flatten()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(all(test, feature = "csrf"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_router_may_take_for_a_path_is_taken_for_it() {
        let mut paths = ExactPaths::default();
        paths.add("/account/logout").unwrap();
        for (path, exactly, perhaps) in [
            ("/account/logout", true, true),
            ("/account/logout?x=1", true, true),
            ("/account/logout/", false, true),
            ("//account//logout", false, true),
            ("/account/%6cogout", false, true),
            ("/account%2flogout", false, true),
            ("/account/logouts", false, false),
            ("/account/logou", false, false),
            ("/account", false, false),
            ("/account/Logout", false, false),
            ("/account/logout%", false, false),
            ("/account/logout/x", false, false),
            ("/", false, false),
        ] {
            let request = http::Request::get(path).body(()).unwrap();
            assert_eq!(paths.hold(&request), exactly, "{path}");
            assert_eq!(paths.may_hold(&request), perhaps, "{path}");
        }
        assert!(!ExactPaths::default().may_hold(&http::Request::new(())));
    }
}
