//! Sources: from where, or by what mark, something may be loaded.

use std::fmt;

use super::hash::Hash;

/// A source in a directive: from where, or by what mark, something may be loaded.
///
/// Keywords, the nonce and hashes are values; schemes and hosts are written as text wherever a
/// source is taken, and checked when the policy is built:
///
/// ```
/// use donjon::headers::csp::{ContentSecurityPolicy, Source};
///
/// let policy = ContentSecurityPolicy::builder()
///     .default_src([Source::None])
///     .script_src([Source::Nonce, Source::StrictDynamic])
///     .style_src([Source::hash_of("body { margin: 0 }")])
///     .img_src(["'self'", "https://images.example.com", "data:"])
///     .build()?;
///
/// // A keyword without quotes would be the host named "self":
/// assert!(ContentSecurityPolicy::builder().default_src(["self"]).build().is_err());
/// # Ok::<_, donjon::headers::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// `'none'`: nothing. It stands alone.
    None,
    /// `'self'`: the page's own origin.
    SelfOrigin,
    /// The nonce of the response. Written `'nonce'` in text.
    Nonce,
    /// The hash of an inline script or style.
    Hash(Hash),
    /// `'strict-dynamic'`: what a trusted script loads is trusted too, and hosts are ignored.
    StrictDynamic,
    /// `'unsafe-inline'`: whatever stands in the page, injected or not. Ignored beside a nonce.
    UnsafeInline,
    /// `'unsafe-eval'`: code made of strings.
    UnsafeEval,
    /// `'unsafe-hashes'`: hashes also count for event handlers and style attributes.
    UnsafeHashes,
    /// `'wasm-unsafe-eval'`: WebAssembly may be compiled.
    WasmUnsafeEval,
    /// `'trusted-types-eval'`: code made of trusted types.
    TrustedTypesEval,
    /// `'report-sample'`: reports quote the first 40 characters of what was blocked.
    ReportSample,
    /// `'report-sha256'`: the browser reports the hash of each script it loads.
    ReportSha256,
    /// `'report-sha384'`: likewise.
    ReportSha384,
    /// `'report-sha512'`: likewise.
    ReportSha512,
    /// `'inline-speculation-rules'`: speculation rules may stand in the page.
    InlineSpeculationRules,
    /// `'unsafe-webtransport-hashes'`: WebTransport to servers with certificates of a given hash.
    /// Experimental: no browser has shipped it.
    UnsafeWebtransportHashes,
    /// Whatever is loaded by this scheme.
    Scheme(Scheme),
    /// A host, perhaps with scheme, port and path.
    Host(Host),
}

/// A scheme, such as `https:` or `data:`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Scheme(String);

/// A host, perhaps with scheme, port and path.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Host(String);

impl Source {
    /// The SHA-256 of an inline script or style: of what stands between the tags, to the byte.
    /// See [`Hash`](struct@Hash) for longer ones.
    #[must_use]
    pub fn hash_of(text: &str) -> Self {
        Self::Hash(Hash::sha256(text))
    }

    /// The host without scheme, port or path; `None` for other sources.
    pub(crate) fn host(&self) -> Option<&str> {
        let Self::Host(Host(host)) = self else {
            return None;
        };
        let host = host.split_once("://").map_or(&**host, |(_, host)| host);
        let host = host.split_once('/').map_or(host, |(host, _)| host);
        Some(host.rsplit_once(':').map_or(host, |(host, _)| host))
    }

    /// The scheme of a scheme source or a host source, without the colon.
    pub(crate) fn scheme(&self) -> Option<&str> {
        match self {
            Self::Scheme(Scheme(scheme)) => Some(scheme),
            Self::Host(Host(host)) => host.split_once("://").map(|(scheme, _)| scheme),
            _ => None,
        }
    }

    /// Reads a source as it stands in a policy, or `'nonce'`; the error is the mend.
    pub(super) fn parse(text: &str) -> Result<Self, Unreadable> {
        let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        if let Some(quoted) = quoted {
            return Self::parse_quoted(quoted).map_err(Unreadable::Mend);
        }
        let lower = text.to_ascii_lowercase();
        let mark = ["nonce-", "sha256-", "sha384-", "sha512-"];
        if Self::parse_quoted(&lower).is_ok() || mark.iter().any(|mark| lower.starts_with(mark)) {
            return Err(Unreadable::Unquoted);
        }
        if let Some(scheme) = text.strip_suffix(':')
            && is_scheme(scheme)
            // A host whose port has been forgotten. Schemes with dots exist, and no page loads them.
            && !scheme.contains('.')
        {
            return Ok(Self::Scheme(Scheme(scheme.to_ascii_lowercase())));
        }
        parse_host(text).map(|()| Self::Host(Host(normal_host(text)))).map_err(Unreadable::Mend)
    }

    fn parse_quoted(quoted: &str) -> Result<Self, &'static str> {
        if quoted.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        if quoted.eq_ignore_ascii_case("nonce") {
            return Ok(Self::Nonce);
        }
        if let Some((_, source)) =
            KEYWORDS.iter().find(|(word, _)| quoted.eq_ignore_ascii_case(word))
        {
            return Ok(source.clone());
        }
        if quoted.len() > 6 && quoted.as_bytes()[..6].eq_ignore_ascii_case(b"nonce-") {
            return Err("a nonce is new for each response: use Source::Nonce, in text 'nonce'");
        }
        if quoted.eq_ignore_ascii_case("unsafe-allow-redirects") {
            return Err("it belonged to navigate-to, which was never shipped");
        }
        Hash::parse(quoted).map(Self::Hash).ok_or(
            "no keyword, and no hash: a hash is sha256-, sha384- or sha512- and a digest of that \
             length in base64",
        )
    }
}

pub(super) enum Unreadable {
    Unquoted,
    Mend(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("'none'"),
            Self::Nonce => f.write_str("'nonce'"),
            Self::Hash(hash) => write!(f, "'{hash}'"),
            Self::Scheme(Scheme(scheme)) => write!(f, "{scheme}:"),
            Self::Host(Host(host)) => f.write_str(host),
            keyword => KEYWORDS
                .iter()
                .filter(|(_, source)| source == keyword)
                .try_for_each(|(word, _)| write!(f, "'{word}'")),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `[scheme "://"] host [":" port] [path]`, of CSP3, section 2.3.1; the error is the mend.
fn parse_host(text: &str) -> Result<(), &'static str> {
    if !text.is_ascii() {
        return Err("a host is ASCII: write an international name in punycode (xn--…)");
    }
    if text.contains([';', ',']) || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err("a source holds no `;`, `,`, white space or control character");
    }
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        Some(_) => return Err("what stands before :// is no scheme"),
        None => text,
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    if !path.bytes().all(is_path_byte) {
        return Err("a path has no query and no fragment");
    }
    if authority.starts_with('[') {
        return Err("browsers match no IP address but 127.0.0.1: write a name");
    }
    let host = match authority.split_once(':') {
        Some((host, "*")) => host,
        Some((host, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) && is_digits(port) => {
            host
        }
        Some(_) => return Err("a port is a number from 1 to 65535 or *"),
        None => authority,
    };
    if host == "*" {
        return Ok(());
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !name.split('.').all(label) {
        return Err(
            "a host is labels of letters, digits and - with dots between; * stands for the whole \
             host or its first labels",
        );
    }
    if name.split('.').all(is_digits) && host != "127.0.0.1" {
        return Err("browsers match no IP address but 127.0.0.1: write a name");
    }
    Ok(())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whatever RFC 3986 allows in a path but `;` and `,`, which end a directive and a policy.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+=:@".contains(&byte)
}

/// Scheme and host in lower case, the path as it is.
fn normal_host(text: &str) -> String {
    let authority = text.find("://").map_or(0, |at| at + 3);
    let path = text[authority..].find('/').map_or(text.len(), |slash| authority + slash);
    let (host, path) = text.split_at(path);
    host.to_ascii_lowercase() + path
}

/// The quoted words of the grammar, `'none'` apart.
const KEYWORDS: &[(&str, Source)] = &[
    ("self", Source::SelfOrigin),
    ("strict-dynamic", Source::StrictDynamic),
    ("unsafe-inline", Source::UnsafeInline),
    ("unsafe-eval", Source::UnsafeEval),
    ("unsafe-hashes", Source::UnsafeHashes),
    ("wasm-unsafe-eval", Source::WasmUnsafeEval),
    ("trusted-types-eval", Source::TrustedTypesEval),
    ("report-sample", Source::ReportSample),
    ("report-sha256", Source::ReportSha256),
    ("report-sha384", Source::ReportSha384),
    ("report-sha512", Source::ReportSha512),
    ("inline-speculation-rules", Source::InlineSpeculationRules),
    ("unsafe-webtransport-hashes", Source::UnsafeWebtransportHashes),
];
