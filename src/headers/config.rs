//! Policies as data: `SecurityHeaders` from TOML, JSON or whatever else serde reads.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::builder::OnConflict;
use super::csp::{ContentSecurityPolicy, Directive};
use super::{HeaderKind, ReportOnly, SecurityHeader, SecurityHeaders, SecurityHeadersBuilder};

/// Reads a policy from a configuration file, with the same checks as the builder's.
///
/// ```
/// use donjon::headers::SecurityHeaders;
///
/// let headers: SecurityHeaders = toml::from_str(r#"
///     preset = "web"                            # strict, web, api, helmet-compatible or none
///     assume-https = true                       # a TLS terminator is in front
///     report-violations-to = "/csp-reports"
///
///     [headers]                                 # by name: the value as sent, or false for none
///     referrer-policy = "same-origin"
///     x-dns-prefetch-control = "off"
///     permissions-policy = false
///
///     [headers.content-security-policy-report-only]   # a policy may also be a table
///     default-src = ["'none'"]
///     script-src = ["'nonce'", "'strict-dynamic'"]
///
///     [extend-csp]                              # added to the preset's policy
///     img-src = ["https://images.example.com"]
///
///     [on-conflict]                             # keep, override or only-if-stricter
///     x-frame-options = "override"
/// "#)?;
///
/// let unknown = toml::from_str::<SecurityHeaders>("preset = 'web'\n[headers]\nreferer-policy = 'no-referrer'");
/// assert!(unknown.unwrap_err().to_string().contains("referer-policy"));
///
/// let wrong = toml::from_str::<SecurityHeaders>("preset = 'web'\n[headers]\nreferrer-policy = 'never'");
/// assert!(wrong.unwrap_err().to_string().contains(r#"referrer-policy: "never""#));
/// # Ok::<_, toml::de::Error>(())
/// ```
impl<'de> Deserialize<'de> for SecurityHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = File::deserialize(deserializer)?;
        file.into_builder()
            .and_then(|builder| builder.build().map_err(|error| error.to_string()))
            .map_err(D::Error::custom)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// Not left out by accident: without one nothing is sent but what is named.
    preset: Preset,
    #[serde(default)]
    headers: Table<HeaderText>,
    #[serde(default)]
    extend_csp: Table<Words>,
    #[serde(default)]
    on_conflict: Table<Conflict>,
    #[serde(default)]
    reporting_endpoints: Table<String>,
    report_violations_to: Option<String>,
    remove_leaking: Option<bool>,
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    only_documents: bool,
    #[serde(default)]
    assume_https: bool,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    None,
    Strict,
    Web,
    Api,
    HelmetCompatible,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Conflict {
    Keep,
    Override,
    OnlyIfStricter,
}

/// A header's value as text, a policy as a table of directives, or whether to send it at all.
enum HeaderText {
    Text(String),
    Sent(bool),
    Directives(Table<Words>),
}

/// The values of a directive.
struct Words(Vec<String>);

impl File {
    fn into_builder(self) -> Result<SecurityHeadersBuilder, String> {
        let mut builder = match self.preset {
            Preset::None => SecurityHeaders::builder(),
            Preset::Strict => SecurityHeaders::strict(),
            Preset::Web => SecurityHeaders::web(),
            Preset::Api => SecurityHeaders::api(),
            Preset::HelmetCompatible => SecurityHeaders::helmet_compatible(),
        };
        for (name, text) in self.headers.0 {
            let kind = header(&name)?;
            builder = match text {
                HeaderText::Sent(false) => builder.without(kind),
                HeaderText::Sent(true) => {
                    return Err(format!("{name}: true is no value; write it as it is sent"));
                }
                HeaderText::Text(text) => {
                    let header = SecurityHeader::parse(kind, &text);
                    builder.with(header.map_err(|error| error.to_string())?)
                }
                HeaderText::Directives(directives) => with_policy(builder, kind, directives)?,
            };
        }
        for (name, words) in self.extend_csp.0 {
            let directive = Directive::from_name(&name)
                .map_err(|mend| format!("extend-csp: {name:?} is no directive: {mend}"))?;
            builder = builder.csp(|csp| csp.extend(directive, words.0));
        }
        for (name, url) in self.reporting_endpoints.0 {
            builder = builder.reporting_endpoint(&name, &url);
        }
        for (name, conflict) in self.on_conflict.0 {
            let conflict = match conflict {
                Conflict::Keep => OnConflict::Keep,
                Conflict::Override => OnConflict::Override,
                Conflict::OnlyIfStricter => OnConflict::OnlyIfStricter,
            };
            builder = builder.on_conflict(header(&name)?, conflict);
        }
        if let Some(url) = self.report_violations_to {
            builder = builder.report_violations_to(&url);
        }
        if let Some(remove) = self.remove_leaking {
            builder = builder.remove_leaking(remove);
        }
        if self.only_documents {
            builder = builder.only_documents();
        }
        if self.assume_https {
            builder = builder.assume_https();
        }
        Ok(self.remove.iter().fold(builder, |builder, name| builder.remove(name)))
    }
}

fn header(name: &str) -> Result<HeaderKind, String> {
    HeaderKind::from_name(name).ok_or_else(|| format!("{name:?} is no header of a policy"))
}

fn with_policy(
    builder: SecurityHeadersBuilder,
    kind: HeaderKind,
    directives: Table<Words>,
) -> Result<SecurityHeadersBuilder, String> {
    let with = match kind {
        HeaderKind::ContentSecurityPolicy => SecurityHeader::ContentSecurityPolicy,
        HeaderKind::ContentSecurityPolicyReportOnly => |policy: ContentSecurityPolicy| {
            SecurityHeader::ContentSecurityPolicyReportOnly(ReportOnly(policy))
        },
        _ => return Err(format!("{kind}: write the value as text, as it is sent")),
    };
    let empty = ContentSecurityPolicy::builder();
    let policy = directives
        .0
        .into_iter()
        .fold(empty, |policy, (name, words)| policy.directive(&name, words.0))
        .build()
        .map_err(|error| error.to_string())?;
    Ok(builder.with(with(policy)))
}

/// A map in which a key comes once, in whatever case. JSON allows it twice, and most readers then
/// take the last.
struct Table<T>(Vec<(String, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Rows<T> {
            type Value = Table<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut rows: Vec<(String, T)> = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if rows.iter().any(|(known, _)| known.eq_ignore_ascii_case(&key)) {
                        return Err(A::Error::custom(format!("{key:?} is there twice")));
                    }
                    rows.push((key, map.next_value()?));
                }
                Ok(Table(rows))
            }
        }

        deserializer.deserialize_map(Rows(PhantomData))
    }
}

// By hand: what serde derives for "one of these" forgets what was wrong inside.
impl<'de> Deserialize<'de> for HeaderText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = HeaderText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the header's value as text, a table of directives, or false")
            }

            fn visit_bool<E>(self, sent: bool) -> Result<HeaderText, E> {
                Ok(HeaderText::Sent(sent))
            }

            fn visit_str<E>(self, text: &str) -> Result<HeaderText, E> {
                Ok(HeaderText::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HeaderText, A::Error> {
                let directives = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(HeaderText::Directives(directives))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values, or text with spaces between them")
            }

            fn visit_str<E>(self, text: &str) -> Result<Words, E> {
                Ok(Words(text.split_ascii_whitespace().map(str::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(Words(words))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
