//! How people reach the club.

/// `https://host` or `https://host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Site(String);

impl Site {
    pub(crate) fn new(origin: String) -> Result<Self, String> {
        match origin.strip_prefix("https://") {
            Some(authority) if !authority.is_empty() && !authority.contains('/') => {
                Ok(Self(origin))
            }
            _ => Err(format!("--site {origin}: write it as https://club.example")),
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0
    }

    pub(crate) fn authority(&self) -> &str {
        self.0.trim_start_matches("https://")
    }

    pub(crate) fn host(&self) -> &str {
        self.authority().split(':').next().unwrap_or_default()
    }
}
