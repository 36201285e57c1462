//! Pieces of grammar that several headers share: hosts, and the dictionaries of structured fields
//! ([RFC 8941](https://www.rfc-editor.org/rfc/rfc8941)) as far as headers here use them.

/// One member of a dictionary: `key=(items);parameter=item`, or with one item and no parentheses.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Member<'a> {
    pub(super) key: &'a str,
    pub(super) items: Vec<Item<'a>>,
    /// Whether the items stand in parentheses.
    pub(super) list: bool,
    pub(super) parameters: Vec<(&'a str, Item<'a>)>,
}

/// A value in a dictionary.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Item<'a> {
    Token(&'a str),
    /// Between quotes. Strings with escapes are not read: nothing here needs them.
    Text(&'a str),
}

/// Reads a dictionary that is not empty.
pub(super) fn dictionary(value: &str) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::new();
    let mut rest = value.trim_matches(SPACE);
    loop {
        let (key, after) = take_key(rest)?;
        let after = after.strip_prefix('=')?;
        let list = after.starts_with('(');
        let (items, after) = if list {
            take_items(&after[1..])?
        } else {
            let (item, after) = take_item(after)?;
            (vec![item], after)
        };
        let (parameters, after) = take_parameters(after)?;
        members.push(Member { key, items, list, parameters });
        let after = after.trim_start_matches(SPACE);
        if after.is_empty() {
            return Some(members);
        }
        rest = after.strip_prefix(',')?.trim_start_matches(SPACE);
    }
}

/// Whether this can be a key of a dictionary, and so the name of an endpoint.
pub(super) fn is_key(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
        && key.chars().all(is_key_char)
}

/// Whether this is `host` or `host:port`, the host a name or an IPv4 address.
pub(super) fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse().is_ok_and(|port: u16| port > 0)
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

const SPACE: [char; 2] = [' ', '\t'];

fn is_key_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '*')
}

fn take_key(value: &str) -> Option<(&str, &str)> {
    let (key, rest) = split_where(value, |c| !is_key_char(c));
    is_key(key).then_some((key, rest))
}

fn take_item(value: &str) -> Option<(Item<'_>, &str)> {
    if let Some(quoted) = value.strip_prefix('"') {
        let (text, rest) = quoted.split_once('"')?;
        let plain = |c: char| c != '\\' && (c == ' ' || c.is_ascii_graphic());
        return text.chars().all(plain).then_some((Item::Text(text), rest));
    }
    let (token, rest) =
        split_where(value, |c| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c)));
    let starts = token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*');
    starts.then_some((Item::Token(token), rest))
}

/// The items of a list whose opening parenthesis has been taken.
fn take_items(mut rest: &str) -> Option<(Vec<Item<'_>>, &str)> {
    let mut items = Vec::new();
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(after) = rest.strip_prefix(')') {
            return Some((items, after));
        }
        let (item, after) = take_item(rest)?;
        if !after.starts_with([' ', ')']) {
            return None;
        }
        items.push(item);
        rest = after;
    }
}

fn take_parameters(mut rest: &str) -> Option<(Vec<(&str, Item<'_>)>, &str)> {
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let (name, after) = take_key(after.trim_start_matches(' '))?;
        let (item, after) = take_item(after.strip_prefix('=')?)?;
        parameters.push((name, item));
        rest = after;
    }
    Some((parameters, rest))
}

fn split_where(value: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    value.split_at(value.find(ends).unwrap_or(value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_members_of_every_kind() {
        let value = " a=(b \"c d\"  *);p=q;  r=\"s\" ,\t*x=\"y\",z=/no";
        assert_eq!(dictionary(value), None, "no token starts with /");

        let members = dictionary(value.trim_end_matches(",z=/no")).unwrap();

        let a = Member {
            key: "a",
            items: vec![Item::Token("b"), Item::Text("c d"), Item::Token("*")],
            list: true,
            parameters: vec![("p", Item::Token("q")), ("r", Item::Text("s"))],
        };
        let x =
            Member { key: "*x", items: vec![Item::Text("y")], list: false, parameters: Vec::new() };
        assert_eq!(members, [a, x]);
    }

    #[test]
    fn refuses_what_is_no_dictionary() {
        for value in [
            "",
            ",",
            "a",
            "a=",
            "a=(",
            "a=(b",
            "a=(b,c)",
            "a=(b\"c\")",
            "a=b,",
            "a=b c=d",
            "A=b",
            "a = b",
            "a=\"b",
            "a=\"b\\\"\"",
            "a=\"é\"",
            "a=\"\r\n\"",
            "a=b;",
            "a=b;c",
            "1=b",
        ] {
            assert_eq!(dictionary(value), None, "{value:?}");
        }
    }

    #[test]
    fn hosts_are_names_with_or_without_a_port() {
        for (authority, expected) in [
            ("example.com", true),
            ("127.0.0.1:8443", true),
            ("localhost:1", true),
            ("", false),
            ("example.com.", false),
            ("exa mple.com", false),
            ("example.com:", false),
            ("example.com:+1", false),
            ("example.com:0", false),
            ("example.com:65536", false),
            ("user@example.com", false),
            ("*.example.com", false),
            ("[::1]", false),
            ("exämple.com", false),
        ] {
            assert_eq!(is_authority(authority), expected, "{authority}");
        }
    }
}
