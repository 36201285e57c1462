//! Whatever a payer may be sent to is at the gateway for a reader that reads as browsers do; and whatever is a
//! path of the site stays on it.

#![no_main]

use std::sync::LazyLock;

use donjon::payment::{GatewayUrl, LocalPath, Origin};
use libfuzzer_sys::fuzz_target;
use url::Url;

static ORIGINS: LazyLock<[Origin; 3]> = LazyLock::new(|| {
    ["https://www.paypal.com", "https://tpeweb.paybox.com", "http://localhost:3001"]
        .map(|origin| origin.parse().expect("an origin"))
});

fuzz_target!(|text: &str| {
    if let Some(accepted) = GatewayUrl::at(&*ORIGINS, text) {
        let parsed = Url::parse(accepted.as_str()).expect("a URL");
        assert_eq!(parsed.origin().ascii_serialization(), accepted.origin().as_str(), "{text:?}");
        assert!(parsed.username().is_empty() && parsed.password().is_none(), "{text:?}");
        assert_eq!(accepted.as_str(), text);
    }
    if let Ok(path) = text.parse::<LocalPath>() {
        let site = Url::parse("https://club.example/").expect("a URL");
        let there = site.join(path.as_str()).expect("a URL");
        assert_eq!(there.origin(), site.origin(), "{text:?}");
    }
    if let Ok(origin) = text.parse::<Origin>() {
        let parsed = Url::parse(origin.as_str()).expect("a URL");
        // A port that is the usual one is left out by browsers.
        let plain = origin.as_str().strip_suffix(":80").filter(|_| text.starts_with("http:"));
        let plain = plain.or_else(|| {
            origin.as_str().strip_suffix(":443").filter(|_| text.starts_with("https:"))
        });
        let plain = plain.unwrap_or(origin.as_str());
        assert_eq!(parsed.origin().ascii_serialization(), plain, "{text:?}");
    }
});
