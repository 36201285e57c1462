//! The header `Forwarded` of RFC 7239.

/// What one proxy says of the request it received.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Element<'a> {
    pub(super) by_for: Option<&'a [u8]>,
    pub(super) proto: Option<&'a [u8]>,
    pub(super) host: Option<&'a [u8]>,
}

/// An element is not what the grammar says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed;

/// The elements of one line, the last first, down to the first that cannot be read.
///
/// They are told apart from the right: the last proxy has written what stands there, and a quote
/// that a client opens further left must not swallow it.
pub(super) fn from_the_right(line: &[u8]) -> impl Iterator<Item = Result<Element<'_>, Malformed>> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        let mut outside = true;
        let comma = line.iter().rposition(|byte| {
            outside ^= *byte == b'"';
            outside && *byte == b','
        });
        if !outside && comma.is_none() {
            return Some(Err(Malformed));
        }
        let text = comma.map_or(line, |comma| &line[comma + 1..]);
        let element = element(text);
        if element.is_ok() {
            rest = comma.map(|comma| &line[..comma]);
        }
        Some(element)
    })
}

fn element(text: &[u8]) -> Result<Element<'_>, Malformed> {
    let mut element = Element::default();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        let equals = rest.iter().position(|byte| *byte == b'=').ok_or(Malformed)?;
        let (name, value) = (&rest[..equals], &rest[equals + 1..]);
        let (value, after) = value_and_rest(value)?;
        let slot = match () {
            () if name.eq_ignore_ascii_case(b"for") => Some(&mut element.by_for),
            () if name.eq_ignore_ascii_case(b"proto") => Some(&mut element.proto),
            () if name.eq_ignore_ascii_case(b"host") => Some(&mut element.host),
            () if is_token(name) => None,
            () => return Err(Malformed),
        };
        // RFC 7239, section 4: each parameter at most once.
        if slot.is_some_and(|slot| slot.replace(value).is_some()) {
            return Err(Malformed);
        }
        rest = match after {
            [b';', after @ ..] => after.trim_ascii_start(),
            [] => after,
            _ => return Err(Malformed),
        };
    }
    Ok(element)
}

/// A token, or what stands between quotes. A value with escapes is refused: no address, scheme or
/// host needs one.
fn value_and_rest(text: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    if let [b'"', text @ ..] = text {
        let end = text.iter().position(|byte| *byte == b'"').ok_or(Malformed)?;
        let value = &text[..end];
        let plain = !value.contains(&b'\\');
        return if plain {
            Ok((value, text[end + 1..].trim_ascii_start()))
        } else {
            Err(Malformed)
        };
    }
    let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
    // Some proxies leave out the quotes that a colon and brackets need.
    let lenient = |byte: &u8| is_token_byte(*byte) || b":[]".contains(byte);
    let value = text[..end].trim_ascii_end();
    if value.is_empty() || !value.iter().all(lenient) {
        return Err(Malformed);
    }
    Ok((value, &text[end..]))
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<Option<[String; 3]>> {
        let text =
            |value: Option<&[u8]>| String::from_utf8(value.unwrap_or(b"-").to_vec()).unwrap();
        let texts = |element: Element<'_>| [element.by_for, element.proto, element.host].map(text);
        from_the_right(line.as_bytes()).map(|element| element.ok().map(texts)).collect()
    }

    fn element(by_for: &str, proto: &str, host: &str) -> [String; 3] {
        [by_for, proto, host].map(str::to_owned)
    }

    #[test]
    fn elements_come_from_the_right() {
        assert_eq!(
            read(r#"for=192.0.2.1;proto=http, For="[2001:db8::1]:80";HOST="a,b.example";x=y"#),
            [
                Some(element("[2001:db8::1]:80", "-", "a,b.example")),
                Some(element("192.0.2.1", "http", "-"))
            ]
        );
        assert_eq!(read("for=_hidden;by=unknown"), [Some(element("_hidden", "-", "-"))]);
        assert_eq!(read("for=192.0.2.1:80"), [Some(element("192.0.2.1:80", "-", "-"))]);
        assert_eq!(read("for=a; proto=https"), [Some(element("a", "https", "-"))]);
        assert_eq!(
            read(", for=a,"),
            [
                Some(element("-", "-", "-")),
                Some(element("a", "-", "-")),
                Some(element("-", "-", "-"))
            ]
        );
    }

    #[test]
    fn what_is_not_the_grammar_is_malformed_and_ends_it() {
        for line in [
            "for",
            "for=",
            "for=a b",
            "for=a;for=b",
            r#"for="a"#,
            r#"for="a"b"#,
            r#"for="a\"b""#,
            r#"for="a\b""#,
            "for =a",
            "f(r=a",
            "=a",
            "for=a;;proto=http",
        ] {
            assert_eq!(read(line), [None], "{line}");
            assert_eq!(read(&format!("for=z, {line}")).first(), Some(&None), "{line}");
        }
        assert_eq!(read("for=x, for=a b, for=c"), [Some(element("c", "-", "-")), None]);
    }

    #[test]
    fn what_a_client_writes_never_swallows_what_the_proxy_adds() {
        for client in [
            r#"for=""#,
            r#"for="a"#,
            r#"""#,
            r"for=\",
            r#"for="\"#,
            "for=1.2.3.4;",
            ",,,",
            "\u{fe}",
            r#"for="a, for=b;host=""#,
        ] {
            let line = format!(r#"{client}, for="[2001:db8::1]:80";proto=https"#);
            assert_eq!(read(&line)[0], Some(element("[2001:db8::1]:80", "https", "-")), "{client}");
            let line = format!("{client},for=192.0.2.1");
            assert_eq!(read(&line)[0], Some(element("192.0.2.1", "-", "-")), "{client}");
        }
    }
}
