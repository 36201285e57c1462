//! All routes and their rules, for a test and for an auditor.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use super::declare::Role;
use super::grants::Grants;
use super::principal::Identity;
use super::rule::Rule;
use super::verdict::{Authn, Evidence, Verdict};
use super::why::Why;

/// The routes of an app, and whom each lets in: what the guards decide by, written down.
///
/// Keep its [matrix](Self::matrix) in a test of your own: a new role, a new route and a rule that was made
/// weaker change it, and somebody has to say yes.
///
/// ```
/// use donjon::roles::{Rule, Seal, permission};
///
/// donjon::permissions! { pub enum Permission { Read = "courts:read", Book = "courts:book" } }
/// donjon::roles! {
///     pub enum Role grants Permission {
///         Visitor = "visitor" => [Read],
///         Member = "member": Visitor => [Book],
///     }
/// }
///
/// let seal = Seal::new()
///     .on("GET", "/", Rule::PUBLIC)
///     .on("GET", "/courts", permission(Permission::Read))
///     .on("POST", "/courts/{id}", permission(Permission::Book) & Rule::second_factor());
/// assert_eq!(
///     seal.manifest().matrix::<Role>().to_string(),
///     "\
/// route              anonymous  visitor  member
/// GET /              yes        yes      yes
/// GET /courts        401        yes      yes
/// POST /courts/{id}  401        -        second factor
/// "
/// );
/// ```
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    entries: Vec<ManifestEntry>,
}

/// A route and its rule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManifestEntry {
    /// The method; `*` for whatever is no route.
    pub method: String,
    /// The pattern of the route, as the framework writes it.
    pub route: String,
    /// Whom it lets in.
    pub rule: Rule,
}

impl Manifest {
    /// The routes, in the order in which they were added.
    #[must_use]
    pub fn entries(&self) -> &[ManifestEntry] {
        &self.entries
    }

    /// Each route for a stranger and for each role: for somebody who has just signed in, with one factor,
    /// at an address that nobody knows.
    #[must_use]
    pub fn matrix<R: Role>(&self) -> Matrix {
        let now = SystemTime::now();
        let principals: Vec<_> = R::NAMES
            .iter()
            .map(|name| {
                Identity::<R>::new("")
                    .role_names([name])
                    .signed_in_at(now)
                    .into_principal(&Grants::declared())
            })
            .collect();
        let row = |entry: &ManifestEntry| {
            let cell = |authn| cell(entry.rule.verdict(&Evidence::new(authn, &|| None, &|| now)));
            let mut cells = vec![cell(Authn::Anonymous)];
            cells.extend(principals.iter().map(|principal| cell(Authn::Subject(principal))));
            (format!("{} {}", entry.method, entry.route), cells)
        };
        let mut columns = vec!["anonymous"];
        columns.extend(R::NAMES);
        Matrix { columns, rows: self.entries.iter().map(row).collect() }
    }

    pub(crate) fn add(&mut self, method: &str, route: &str, rule: Rule) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.entries.push(ManifestEntry { method, route, rule });
    }

    /// Those of another one, behind a prefix and a rule of its own.
    #[cfg(feature = "axum")]
    pub(crate) fn nest(&mut self, prefix: &str, rule: &Rule, other: Self) {
        let prefix = prefix.trim_end_matches('/');
        for ManifestEntry { method, route, rule: inner } in other.entries {
            let route = if route == "/" { prefix.to_owned() } else { format!("{prefix}{route}") };
            let rule = if inner.is_public() { rule.clone() } else { rule.clone() & inner };
            self.entries.push(ManifestEntry { method, route, rule });
        }
    }
}

/// Each route for each role: `yes`, what is missing, or `-` for whoever may not.
///
/// Printed it is a table of text; [`to_markdown`](Self::to_markdown) and [`to_json`](Self::to_json) are for
/// documents and programs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Matrix {
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<&'static str>)>,
}

impl Matrix {
    /// A table of Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!("| route | {} |\n|", self.columns.join(" | "));
        text.push_str(&" --- |".repeat(self.columns.len() + 1));
        for (route, cells) in &self.rows {
            // A string takes all that is written to it.
            let _ = write!(text, "\n| {} | {} |", route.replace('|', "\\|"), cells.join(" | "));
        }
        text.push('\n');
        text
    }

    /// An array of objects, one for each route: `{"route":"GET /","anonymous":"yes"}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows = self.rows.iter().map(|(route, cells)| {
            let cells = self.columns.iter().zip(cells);
            let cells = cells.map(|(role, cell)| format!(",{}:{}", quoted(role), quoted(cell)));
            format!("{{\"route\":{}{}}}", quoted(route), cells.collect::<String>())
        });
        format!("[{}]", rows.collect::<Vec<_>>().join(",\n"))
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let routes = self.rows.iter().map(|(route, _)| route.as_str());
        let mut widths = vec![widest(&mut routes.chain(["route"]))];
        for (at, column) in self.columns.iter().enumerate() {
            let cells = self.rows.iter().map(|(_, cells)| cells[at]);
            widths.push(widest(&mut cells.chain([*column])));
        }
        let mut line = |first: &str, cells: &[&str]| {
            let mut text = String::new();
            for (cell, width) in std::iter::once(&first).chain(cells).zip(&widths) {
                let _ = write!(text, "{cell:width$}  ");
            }
            writeln!(f, "{}", text.trim_end())
        };
        line("route", &self.columns)?;
        self.rows.iter().try_for_each(|(route, cells)| line(route, cells))
    }
}

const fn cell(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "yes",
        Verdict::No(why) | Verdict::Unknown(why) => match why {
            Why::Anonymous => "401",
            Why::Stale { .. } => "fresh",
            Why::SecondFactor => "second factor",
            Why::Network | Why::NoAddress => "network",
            Why::Time => "time",
            _ => "-",
        },
    }
}

/// Names and routes hold no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
