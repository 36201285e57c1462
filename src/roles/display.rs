//! Rules as they are written in a log, a matrix or a question.

use std::fmt::{self, Write as _};

use super::rule::{Node, Rule};

/// As it would be written: `role manager & (network | second factor)`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            Node::Public => f.write_str("public"),
            Node::Nobody => f.write_str("nobody"),
            Node::SignedIn => f.write_str("signed in"),
            Node::Role { name, .. } => write!(f, "role {name}"),
            Node::Permission { name, .. } => f.write_str(name),
            Node::Fresh(within) => write!(f, "fresh({} s)", within.as_secs()),
            Node::SecondFactor => f.write_str("second factor"),
            Node::Network(_) => f.write_str("network"),
            Node::Between(..) => f.write_str("time"),
            Node::All(rules, _) => joined(f, rules, " & "),
            Node::Any(rules) => joined(f, rules, " | "),
            Node::Not(rule) => {
                f.write_char('!')?;
                within(f, rule)
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, rules: &[Rule], by: &str) -> fmt::Result {
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            f.write_str(by)?;
        }
        within(f, rule)?;
    }
    Ok(())
}

fn within(f: &mut fmt::Formatter<'_>, rule: &Rule) -> fmt::Result {
    match rule.node() {
        Node::All(..) | Node::Any(_) => write!(f, "({rule})"),
        _ => write!(f, "{rule}"),
    }
}
