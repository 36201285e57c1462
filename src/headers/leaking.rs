//! Headers that tell which software answered.
//!
//! **The attack.** A new hole in a framework is known by noon, and by evening everybody whose
//! responses name that framework and its version has been visited.
//!
//! **The rule.** OWASP's Secure Headers Project keeps
//! [a list of headers to remove](https://owasp.org/www-project-secure-headers/#prevent-information-disclosure-via-http-headers),
//! 87 names in July 2026: `server`, `x-powered-by` and what else products and gateways put in.
//!
//! - They are removed after the handler, so it does not matter who in the application has set them.
//! - Neither hyper nor actix-web adds a `server` header. Both add `date`, which tells nothing.
//! - A proxy in front may add its own `server` afterwards. That is for the proxy's configuration.
//! - Identifiers for tracing (`x-b3-…`, `x-datadog-…`) are in the list. They are removed from
//!   responses only; between your services they travel in requests.
//! - It hides the name and not the hole: how a server behaves still tells what it is.

/// The list, in lower case and in order.
pub const LEAKING: &[&str] = &[
    "$wsep",
    "host-header",
    "k-proxy-request",
    "liferay-portal",
    "oraclecommercecloud-version",
    "pega-host",
    "powered-by",
    "product",
    "server",
    "sourcemap",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-atmosphere-error",
    "x-atmosphere-first-request",
    "x-atmosphere-tracking-id",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-backside-transport",
    "x-beserver",
    "x-calculatedbetarget",
    "x-cf-powered-by",
    "x-cms",
    "x-cocoon-version",
    "x-content-encoded-by",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
    "x-diaginfo",
    "x-dtagentid",
    "x-dthealthcheck",
    "x-dtinjectedservlet",
    "x-envoy-attempt-count",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-dst-host",
    "x-envoy-upstream-service-time",
    "x-feserver",
    "x-framework",
    "x-generated-by",
    "x-generator",
    "x-gitlab-meta",
    "x-jitsi-release",
    "x-joomla-version",
    "x-kong-admin-latency",
    "x-kong-client-latency",
    "x-kong-proxy-latency",
    "x-kong-request-id",
    "x-kong-response-latency",
    "x-kong-third-party-latency",
    "x-kong-total-latency",
    "x-kong-upstream-latency",
    "x-kong-upstream-status",
    "x-kubernetes-pf-flowschema-ui",
    "x-kubernetes-pf-prioritylevel-uid",
    "x-litespeed-cache",
    "x-litespeed-cache-control",
    "x-litespeed-purge",
    "x-litespeed-tag",
    "x-litespeed-vary",
    "x-mod-pagespeed",
    "x-nextjs-cache",
    "x-nextjs-matched-path",
    "x-nextjs-page",
    "x-nextjs-redirect",
    "x-old-content-length",
    "x-oneagent-js-injection",
    "x-owa-version",
    "x-page-speed",
    "x-php-version",
    "x-powered-by",
    "x-powered-by-plesk",
    "x-powered-cms",
    "x-redirect-by",
    "x-ruxit-js-agent",
    "x-server-powered-by",
    "x-sourcefiles",
    "x-sourcemap",
    "x-turbo-charged-by",
    "x-tyk-trace-id",
    "x-umbraco-version",
    "x-varnish-backend",
    "x-varnish-server",
    "x-woodpecker-version",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Name;

    #[test]
    fn the_list_is_of_header_names_in_order() {
        assert!(LEAKING.is_sorted_by(|a, b| a < b));
        for name in LEAKING {
            let parsed = Name::new(name).unwrap();
            assert_eq!(parsed.as_str(), *name);
        }
    }
}
