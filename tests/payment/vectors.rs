//! What is written down of URLs.

use donjon::payment::LocalPath;
use serde_json::Value;

use super::*;

#[test]
fn urls_are_the_gateways_or_none() {
    let vectors: Value =
        serde_json::from_str(include_str!("../data/payment/redirect_urls.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let origins = vectors["allowed_origins"].as_array().unwrap().iter();
    let origins: Vec<Origin> = origins.map(|origin| text(origin).parse().unwrap()).collect();
    for vector in vectors["gateway"].as_array().unwrap() {
        let url = text(&vector["url"]);
        let is_one = GatewayUrl::at(&origins, &url).is_some();
        assert_eq!(is_one, vector["expect"] == "accept", "{url} {}", vector["why"]);
    }
    for vector in vectors["local"].as_array().unwrap() {
        let path = text(&vector["value"]);
        let is_one = path.parse::<LocalPath>().is_ok();
        assert_eq!(is_one, vector["expect"] != "reject", "{path} {}", vector["why"]);
    }
}
