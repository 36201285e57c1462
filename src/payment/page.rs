//! The page that posts a signed form to a gateway by itself.

use std::fmt::Write as _;

use super::url::GatewayUrl;

/// What stands on the page between the shop and a gateway that takes a form: it is there for a moment, and
/// where scripts are off it has a button.
///
/// ```
/// use donjon::payment::HandoffPage;
///
/// let page = HandoffPage::new("fr", "Paiement", "Continuer vers le paiement");
/// ```
#[derive(Clone, Debug)]
#[must_use = "Payments shows it"]
pub struct HandoffPage {
    language: Box<str>,
    title: Box<str>,
    button: Box<str>,
}

impl Default for HandoffPage {
    fn default() -> Self {
        Self::new("en", "Payment", "Go on to the payment")
    }
}

impl HandoffPage {
    /// In this language (`fr`), with this title and these words on the button.
    pub fn new(
        language: impl Into<Box<str>>,
        title: impl Into<Box<str>>,
        button: impl Into<Box<str>>,
    ) -> Self {
        Self { language: language.into(), title: title.into(), button: button.into() }
    }

    /// The fields stand in the order in which they were signed, and a browser sends them so.
    pub(super) fn html(&self, action: &GatewayUrl, fields: &[(&'static str, String)]) -> String {
        let mut html = String::with_capacity(1024);
        // A string takes all that is written to it.
        let _ = write!(
            html,
            "<!doctype html>\n<html lang=\"{}\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n\
             <form id=\"donjon-pay\" method=\"post\" accept-charset=\"utf-8\" action=\"{}\">\n",
            Escaped(&self.language),
            Escaped(&self.title),
            Escaped(action.as_str()),
        );
        for (name, value) in fields {
            let (name, value) = (Escaped(name), Escaped(value));
            let _ = writeln!(html, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
        let button = Escaped(&self.button);
        let _ = write!(
            html,
            "<p><button>{button}</button></p>\n</form>\n<script>{SCRIPT}</script>\n</html>\n"
        );
        html
    }

    /// It may do nothing but this.
    pub(super) fn policy(action: &GatewayUrl) -> String {
        format!(
            "default-src 'none'; script-src '{SCRIPT_HASH}'; form-action {}; \
             base-uri 'none'; frame-ancestors 'none'",
            action.origin()
        )
    }
}

/// For the text and the quoted attributes of HTML.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                char => f.write_char(char)?,
            }
        }
        Ok(())
    }
}

const SCRIPT: &str = "document.getElementById(\"donjon-pay\").submit()";
/// Of the script, as a browser computes it.
const SCRIPT_HASH: &str = "sha256-Q+qLpwlin6Hrfgrgmd/ahFgwUe7Lia4M+cTCVOxlLJU=";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::Digest as _;

    use super::*;

    #[test]
    fn the_hash_is_the_scripts() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(SCRIPT));
        assert_eq!(SCRIPT_HASH, format!("sha256-{hash}"));
    }

    #[test]
    fn nothing_leaves_its_attribute() {
        let origins = ["https://pay.example".parse().unwrap()];
        let action = GatewayUrl::at(&origins, "https://pay.example/a?b=\"'<c>&d").unwrap();
        let fields = vec![("x", "\"><script>alert('&amp;')</script>\u{e9}".to_owned())];
        let html = HandoffPage::new("\"", "<b>", "&").html(&action, &fields);
        assert!(html.contains("action=\"https://pay.example/a?b=&quot;&#39;&lt;c&gt;&amp;d\""));
        let value = "&quot;&gt;&lt;script&gt;alert(&#39;&amp;amp;&#39;)&lt;/script&gt;\u{e9}";
        assert!(html.contains(&format!("value=\"{value}\"")), "{html}");
        assert_eq!(html.matches("<script>").count(), 1, "{html}");
        assert!(html.contains("<title>&lt;b&gt;</title>") && html.contains("lang=\"&quot;\""));
    }
}
