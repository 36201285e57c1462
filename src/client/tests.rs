//! Who is asking, told by headers that anybody may write.

use std::net::{IpAddr, SocketAddr};

use http::Request;
use proptest::prelude::*;

use super::{
    AddrKey, AddrSource, AllowedNetworks, Client, ConfigError, ForwardingHeader, Networks, Peer,
    Scheme, TrustedProxies, UnknownAddr,
};
use crate::middleware::Middleware;

const STRANGER: &str = "203.0.113.9";
const PROXY: &str = "10.0.0.5";

/// A request from a peer, with header lines in this order.
fn request(peer: &str, headers: &[(&str, &str)]) -> Request<()> {
    let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
    let builder = Request::get("/").header("host", "club.example").extension(Peer(peer));
    let add = |builder: http::request::Builder, (name, value): &(&str, &str)| {
        builder.header(*name, *value)
    };
    headers.iter().fold(builder, add).body(()).unwrap()
}

fn proxies() -> TrustedProxies {
    TrustedProxies::in_networks(["10.0.0.0/8", "2001:db8:7::/48"]).unwrap()
}

fn addr(client: &Client) -> String {
    client.addr().unwrap().to_string()
}

/// Reads the header lines of `X-Forwarded-For`, sent by a believed proxy.
fn of_chain(proxies: &TrustedProxies, lines: &[&str]) -> (String, AddrSource) {
    let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
    let client = proxies.resolve(&request(PROXY, &headers));
    (addr(&client), client.addr_source())
}

#[test]
fn the_first_from_the_right_who_is_no_proxy_is_the_client() {
    use AddrSource::{Fallback, Forwarded};

    for (lines, expected, source) in [
        (&["203.0.113.9"][..], "203.0.113.9", Forwarded),
        (&["1.2.3.4, 203.0.113.9"], "203.0.113.9", Forwarded),
        (&["1.2.3.4", "203.0.113.9"], "203.0.113.9", Forwarded),
        (&["1.2.3.4, 203.0.113.9", "10.0.0.6, 10.0.0.7"], "203.0.113.9", Forwarded),
        (&["10.0.0.1, 203.0.113.9, 10.0.0.7"], "203.0.113.9", Forwarded),
        (&["203.0.113.9:4711"], "203.0.113.9", Forwarded),
        (&["[2001:db8::1]:4711"], "2001:db8::1", Forwarded),
        (&["203.0.113.9, 2001:db8:7::1"], "203.0.113.9", Forwarded),
        (&["203.0.113.9, ::ffff:10.0.0.7"], "203.0.113.9", Forwarded),
        (&["::ffff:203.0.113.9"], "203.0.113.9", Forwarded),
        // What stands left of the client is his own writing.
        (&["junk, , \"\\\u{ff}, 203.0.113.9"], "203.0.113.9", Forwarded),
        (&["unknown", "203.0.113.9"], "203.0.113.9", Forwarded),
        // Missing, all proxies, or not to be read.
        (&[], PROXY, Fallback),
        (&[""], PROXY, Fallback),
        (&["10.0.0.7"], PROXY, Fallback),
        (&["10.0.0.7, 10.0.0.6"], PROXY, Fallback),
        (&["203.0.113.9,"], PROXY, Fallback),
        (&["203.0.113.9, unknown"], PROXY, Fallback),
        (&["203.0.113.9, _hidden"], PROXY, Fallback),
        (&["203.0.113.9, junk, 10.0.0.6"], PROXY, Fallback),
        (&["203.0.113.9", ""], PROXY, Fallback),
        (&["203.0.113.9 10.0.0.6"], PROXY, Fallback),
    ] {
        let found = of_chain(&proxies(), lines);
        assert_eq!(found, (expected.to_owned(), source), "{lines:?}");
    }
}

#[test]
fn what_an_unbelieved_peer_says_is_ignored_altogether() {
    let forged = [
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-real-ip", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1;proto=https;host=evil.example"),
    ];
    let all = [
        TrustedProxies::none(),
        proxies().forwarded_host().internal_clients(),
        proxies().header(ForwardingHeader::Forwarded).forwarded_host(),
        proxies().at_most(2).unwrap(),
    ];
    for proxies in all {
        let client = proxies.resolve(&request(STRANGER, &forged));
        assert_eq!(addr(&client), STRANGER);
        assert_eq!(client.addr_source(), AddrSource::Peer);
        assert_eq!(client.scheme(), Scheme::Http);
        assert_eq!(client.host().unwrap().name(), "club.example");
    }
}

#[test]
fn the_other_family_of_headers_is_never_read() {
    let forwarded = [("forwarded", "for=1.2.3.4;proto=https;host=evil.example")];
    let client = proxies().forwarded_host().resolve(&request(PROXY, &forwarded));
    assert_eq!((addr(&client).as_str(), client.scheme()), (PROXY, Scheme::Http));
    assert_eq!(client.host().unwrap().name(), "club.example");

    let x_forwarded = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
    ];
    let proxies = proxies().header(ForwardingHeader::Forwarded).forwarded_host();
    let client = proxies.resolve(&request(PROXY, &x_forwarded));
    assert_eq!((addr(&client).as_str(), client.scheme()), (PROXY, Scheme::Http));
    assert_eq!(client.host().unwrap().name(), "club.example");
}

#[test]
fn proxies_are_counted_where_they_are_not_known() {
    let two = TrustedProxies::hops(2).unwrap();
    for (lines, expected, source) in [
        (&["1.2.3.4, 203.0.113.9, 198.51.100.1"][..], "203.0.113.9", AddrSource::Forwarded),
        (&["203.0.113.9", "198.51.100.1"], "203.0.113.9", AddrSource::Forwarded),
        (&["203.0.113.9"], PROXY, AddrSource::Fallback), // somebody came past the first
        (&[], PROXY, AddrSource::Fallback),
        (&["203.0.113.9, junk"], PROXY, AddrSource::Fallback),
        (&["junk, 198.51.100.1"], PROXY, AddrSource::Fallback),
    ] {
        assert_eq!(of_chain(&two, lines), (expected.to_owned(), source), "{lines:?}");
    }
    // Behind a Unix socket nobody is at the other end.
    let request = Request::get("/").header("x-forwarded-for", "203.0.113.9").body(()).unwrap();
    let one = TrustedProxies::hops(1).unwrap();
    assert_eq!(addr(&one.resolve(&request)), "203.0.113.9");
    let broken = one.resolve(&Request::new(()));
    assert_eq!(broken.addr(), Err(UnknownAddr::NoPeer));
    // Who has come past a proxy is not believed on the scheme and the host either.
    for family in [ForwardingHeader::XForwarded, ForwardingHeader::Forwarded] {
        let forged = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=1.2.3.4;proto=https;host=evil.example"),
        ];
        for headers in [&forged[..], &forged[1..3]] {
            let proxies = two.clone().header(family).forwarded_host();
            let client = proxies.resolve(&self::request(STRANGER, headers));
            assert_eq!((addr(&client).as_str(), client.scheme()), (STRANGER, Scheme::Http));
            assert_eq!(client.host().unwrap().name(), "club.example");
        }
    }

    let known_and_counted = proxies().at_most(2).unwrap();
    let chain = ["1.2.3.4, 10.0.0.8, 10.0.0.7"];
    assert_eq!(of_chain(&known_and_counted, &chain).0, "10.0.0.8", "the third is not believed");
    assert_eq!(of_chain(&known_and_counted, &["1.2.3.4, 203.0.113.9, 10.0.0.7"]).0, STRANGER);
}

#[test]
fn clients_inside_are_believed_only_when_told_so() {
    let inside = proxies().internal_clients();
    assert_eq!(of_chain(&inside, &["10.0.9.9"]), ("10.0.9.9".into(), AddrSource::Forwarded));
    assert_eq!(of_chain(&inside, &[]), (PROXY.into(), AddrSource::Peer));
    assert_eq!(of_chain(&inside, &["junk"]), (PROXY.into(), AddrSource::Fallback));

    let mut over_tls = request(PROXY, &[]);
    over_tls.extensions_mut().insert(Scheme::Https);
    assert_eq!(inside.resolve(&over_tls).scheme(), Scheme::Https);
    assert_eq!(proxies().resolve(&over_tls).scheme(), Scheme::Http, "that is the proxy's TLS");
}

#[test]
fn https_needs_evidence() {
    let of_proto = |lines: &[&str]| {
        let chain = [("x-forwarded-for", STRANGER)].into_iter();
        let lines = lines.iter().map(|line| ("x-forwarded-proto", *line));
        proxies().resolve(&request(PROXY, &chain.chain(lines).collect::<Vec<_>>())).scheme()
    };
    for (lines, expected) in [
        (&["https"][..], Scheme::Https),
        (&["HTTPS"], Scheme::Https),
        (&[" https "], Scheme::Https),
        (&["http, https"], Scheme::Https),
        (&["http", "https"], Scheme::Https),
        (&[], Scheme::Http),
        (&[""], Scheme::Http),
        (&["http"], Scheme::Http),
        (&["httpsx"], Scheme::Http),
        (&["https, http"], Scheme::Http),
        (&["https", "http"], Scheme::Http),
        (&["https,"], Scheme::Http),
        (&["\"https\""], Scheme::Http),
        (&["on"], Scheme::Http),
        (&["wss"], Scheme::Https),
        (&["ws"], Scheme::Http),
    ] {
        assert_eq!(of_proto(lines), expected, "{lines:?}");
    }
    // A proxy that says http means the client's side, though its own hop is TLS.
    let mut request = request(PROXY, &[("x-forwarded-proto", "http")]);
    request.extensions_mut().insert(Scheme::Https);
    assert_eq!(proxies().resolve(&request).scheme(), Scheme::Http);
    // Of a chain that cannot be read, the peer's own word on the scheme stands.
    let client =
        proxies().resolve(&super::tests::request(PROXY, &[("x-forwarded-proto", "https")]));
    assert_eq!(client.scheme(), Scheme::Https);
}

#[test]
fn forwarded_is_read_as_rfc_7239_says() {
    let proxies = proxies().header(ForwardingHeader::Forwarded).forwarded_host();
    for (lines, expected, scheme, host) in [
        (&["for=203.0.113.9;proto=https"][..], STRANGER, Scheme::Https, Some("club.example")),
        (&["For=203.0.113.9; PROTO=HTTPS"], STRANGER, Scheme::Https, Some("club.example")),
        (
            &[r#"for="[2001:db8::1]:80";host=a.example"#],
            "2001:db8::1",
            Scheme::Http,
            Some("a.example"),
        ),
        (
            &["for=1.2.3.4;proto=http, for=203.0.113.9;proto=https"],
            STRANGER,
            Scheme::Https,
            Some("club.example"),
        ),
        (
            &["for=1.2.3.4;proto=https, for=203.0.113.9;proto=http"],
            STRANGER,
            Scheme::Http,
            Some("club.example"),
        ),
        // The client came to the first proxy in the clear, which is what counts.
        (
            &["for=203.0.113.9;proto=http, for=10.0.0.7;proto=https"],
            STRANGER,
            Scheme::Http,
            Some("club.example"),
        ),
        (
            &["for=203.0.113.9;proto=https", "for=10.0.0.7;proto=http"],
            STRANGER,
            Scheme::Https,
            Some("club.example"),
        ),
        (&["for=_hidden;proto=https"], PROXY, Scheme::Https, Some("club.example")),
        (&["for=unknown"], PROXY, Scheme::Http, Some("club.example")),
        (&["for=203.0.113.9;proto=https;proto=https"], PROXY, Scheme::Http, Some("club.example")),
        (&["for=203.0.113.9 proto=https"], PROXY, Scheme::Http, Some("club.example")),
        (&["for=203.0.113.9;host=\"a b\""], STRANGER, Scheme::Http, None),
        // A quote that the client opens does not swallow what the proxy adds.
        (&[r#"for=", for=203.0.113.9;proto=https"#], STRANGER, Scheme::Https, Some("club.example")),
        (&[], PROXY, Scheme::Http, Some("club.example")),
    ] {
        let headers: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
        let client = proxies.resolve(&request(PROXY, &headers));
        assert_eq!(addr(&client), expected, "{lines:?}");
        assert_eq!(client.scheme(), scheme, "{lines:?}");
        assert_eq!(client.host().map(super::Host::name), host, "{lines:?}");
    }
}

#[test]
fn a_host_is_taken_from_a_proxy_only_when_told_so() {
    let headers = [("x-forwarded-for", STRANGER), ("x-forwarded-host", "evil.example, a.example")];
    let client = proxies().resolve(&request(PROXY, &headers));
    assert_eq!(client.host().unwrap().name(), "club.example");
    let client = proxies().forwarded_host().resolve(&request(PROXY, &headers));
    assert_eq!(client.host().unwrap().name(), "a.example");
    let headers = [("x-forwarded-host", "a b")];
    assert_eq!(proxies().forwarded_host().resolve(&request(PROXY, &headers)).host(), None);
}

#[test]
fn a_request_is_for_one_host() {
    let ask = |target: &str, hosts: &[&str]| {
        let mut request = Request::get(target).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append("host", host.parse().unwrap());
        }
        Client::of(&request).host().map(ToString::to_string)
    };
    for (target, hosts, expected) in [
        ("/", &["club.example"][..], Some("club.example")),
        ("https://club.example/", &[], Some("club.example")),
        ("https://Club.example/", &["club.example"], Some("club.example")),
        ("http://evil.example/", &["club.example"], None),
        ("https://club.example:444/", &["club.example"], None),
        ("/", &[], None),
        ("/", &["club.example", "club.example"], None),
        ("/", &["club.example", "evil.example"], None),
        ("/", &["club.example, evil.example"], None),
        ("/", &[""], None),
        ("https://user@club.example/", &[], None),
    ] {
        assert_eq!(ask(target, hosts).as_deref(), expected, "{target} {hosts:?}");
    }
}

#[test]
fn without_a_peer_whoever_needs_an_address_refuses() {
    let client = proxies().resolve(&Request::new(()));
    assert_eq!(client.addr(), Err(UnknownAddr::NoPeer));
    assert_eq!(client.proven_addr(), Err(UnknownAddr::NoPeer));

    let office = AllowedNetworks::new(Networks::parse(["0.0.0.0/0", "::/0"]).unwrap());
    let mut alone = request(STRANGER, &[]);
    assert_eq!(Client::of(&alone).proven_addr(), Err(UnknownAddr::Unvouched));
    assert_eq!(Client::of(&alone).addr_source(), AddrSource::Unvouched);
    let refusal = office.admit(&mut alone, &mut ()).unwrap_err();
    assert_eq!(refusal.status(), 500);
    assert!(refusal.reason().contains("put it first into the stack"));
    let mut request = Request::new(());
    let Ok(()) = TrustedProxies::none().admit(&mut request, &mut ());
    let refusal = office.admit(&mut request, &mut ()).unwrap_err();
    assert_eq!(refusal.status(), 500);
    assert!(refusal.reason().contains("into_make_service_with_connect_info"));
}

#[test]
fn a_list_lets_in_whom_it_names_and_can_prove() {
    let office = AllowedNetworks::new(Networks::parse(["10.0.0.0/8", "192.0.2.0/24"]).unwrap());
    let ask =
        |list: &AllowedNetworks, proxies: TrustedProxies, peer: &str, chain: &[(&str, &str)]| {
            let mut request = request(peer, chain);
            let Ok(()) = proxies.admit(&mut request, &mut ());
            list.admit(&mut request, &mut ()).map_err(|refusal| refusal.status().as_u16())
        };
    let forwarded_for = |address| [("x-forwarded-for", address)];
    for (proxies, peer, chain, expected) in [
        (TrustedProxies::none(), "192.0.2.7", None, Ok(())),
        (TrustedProxies::none(), "::ffff:10.0.0.1", None, Ok(())),
        (TrustedProxies::none(), STRANGER, None, Err(403)),
        (TrustedProxies::none(), STRANGER, Some("10.0.0.1"), Err(403)),
        (proxies(), PROXY, Some("192.0.2.7"), Ok(())),
        (proxies(), PROXY, Some(STRANGER), Err(403)),
        (proxies(), PROXY, Some("192.0.2.7, 203.0.113.9"), Err(403)),
        // The proxy itself is on the list, and must not pass for those behind it.
        (proxies(), PROXY, None, Err(403)),
        (proxies(), PROXY, Some("junk"), Err(403)),
        (proxies(), PROXY, Some("10.0.9.9"), Err(403)),
        (proxies().internal_clients(), PROXY, Some("10.0.9.9"), Ok(())),
        (proxies().internal_clients(), PROXY, None, Ok(())),
        (proxies().internal_clients(), PROXY, Some("junk"), Err(403)),
    ] {
        let chain = chain.map(forwarded_for);
        let chain = chain.as_ref().map_or(&[][..], |chain| &chain[..]);
        assert_eq!(ask(&office, proxies, peer, chain), expected, "{peer} {chain:?}");
    }
    let hidden = office.clone().hidden();
    assert_eq!(ask(&hidden, TrustedProxies::none(), STRANGER, &[]), Err(404));
    // A list that is replaced is replaced for all clones.
    office.replace(Networks::parse(["203.0.113.0/24"]).unwrap());
    assert_eq!(ask(&hidden, TrustedProxies::none(), STRANGER, &[]), Ok(()));
    assert_eq!(ask(&hidden, TrustedProxies::none(), "192.0.2.7", &[]), Err(404));
}

#[test]
fn the_outermost_layer_knows_who_is_asking() {
    let mut request = request(PROXY, &[("x-forwarded-for", STRANGER)]);
    let Ok(()) = proxies().admit(&mut request, &mut ());
    let Ok(()) = TrustedProxies::none().admit(&mut request, &mut ());
    assert_eq!(addr(&Client::of(&request)), STRANGER);

    let told = [("x-forwarded-for", STRANGER), ("x-forwarded-host", "evil.example")];
    let mut request = self::request(PROXY, &told);
    let Ok(()) = proxies().admit(&mut request, &mut ());
    let Ok(()) = proxies().forwarded_host().admit(&mut request, &mut ());
    assert_eq!(Client::of(&request).host().unwrap().name(), "club.example");
}

#[test]
fn what_would_believe_everybody_or_nobody_is_an_error() {
    for networks in
        [&["0.0.0.0/0"][..], &["::/0"], &["10.0.0.0/8", "0.0.0.0/0"], &["::ffff:0:0/96"]]
    {
        assert_eq!(TrustedProxies::in_networks(networks).unwrap_err(), ConfigError::Everybody);
    }
    let none: [&str; 0] = [];
    assert_eq!(TrustedProxies::in_networks(none).unwrap_err(), ConfigError::NoNetworks);
    assert_eq!(TrustedProxies::hops(0).unwrap_err(), ConfigError::NoHops);
    assert_eq!(proxies().at_most(0).unwrap_err(), ConfigError::NoHops);
    let at_most = |proxies: TrustedProxies| proxies.at_most(2).unwrap_err();
    assert_eq!(at_most(TrustedProxies::hops(3).unwrap()), ConfigError::AtMostOfNone);
    assert_eq!(at_most(TrustedProxies::none()), ConfigError::AtMostOfNone);
    assert!(matches!(TrustedProxies::hops(33), Err(ConfigError::TooManyHops { hops: 33, .. })));
    assert!(TrustedProxies::in_networks(vec!["10.0.0.0/8".to_owned()]).is_ok());
}

#[test]
fn a_chain_of_a_thousand_proxies_is_walked_no_further_than_it_is_believed() {
    let long = "10.0.0.7, ".repeat(5000) + "10.0.0.8";
    assert_eq!(of_chain(&proxies().at_most(3).unwrap(), &[&long]).0, "10.0.0.7");
    assert_eq!(of_chain(&proxies(), &[&long]).1, AddrSource::Forwarded);
}

/// What clients and proxies might write: addresses, known words, and anything.
fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<[u8; 4]>().prop_map(|bytes| IpAddr::from(bytes).to_string()),
        2 => any::<[u8; 3]>().prop_map(|[a, b, c]| format!("10.{a}.{b}.{c}")),
        2 => any::<[u16; 8]>().prop_map(|words| IpAddr::from(words).to_string()),
        1 => any::<[u8; 3]>().prop_map(|[a, b, c]| format!("\"[::ffff:10.{a}.{b}.{c}]:80\"")),
        1 => Just("unknown".to_owned()),
        1 => "[ -~]{0,12}",
    ]
}

proptest! {
    #[test]
    fn the_client_is_the_peer_or_stands_where_only_believed_proxies_write(
        entries in prop::collection::vec(entry(), 0..6),
        peer in prop_oneof![Just(PROXY), Just(STRANGER)],
        forwarded: bool,
        inside: bool,
    ) {
        let written = if forwarded {
            entries.iter().map(|entry| format!("for={entry}")).collect::<Vec<_>>().join(", ")
        } else {
            entries.join(",")
        };
        let name = if forwarded { "forwarded" } else { "x-forwarded-for" };
        let family = if forwarded { ForwardingHeader::Forwarded } else { ForwardingHeader::XForwarded };
        let proxies = proxies().header(family);
        let proxies = if inside { proxies.internal_clients() } else { proxies };
        let client = proxies.resolve(&request(peer, &[(name, &written)]));
        let found = client.addr().unwrap();
        if found.to_string() != peer {
            prop_assert_eq!(peer, PROXY);
            // Everything right of the entry must be a believed proxy's address.
            let believed = Networks::parse(["10.0.0.0/8", "2001:db8:7::/48"]).unwrap();
            let address = |entry: &str| super::addr::parse(entry.trim().trim_matches('"').as_bytes());
            let parts: Vec<_> = written.split(',').map(|part| {
                address(part.trim().strip_prefix("for=").unwrap_or(part))
            }).collect();
            let at = parts.iter().rposition(|part| !part.is_some_and(|part| believed.contains(part)));
            let expected = at.map_or_else(|| parts[0], |at| parts[at]);
            prop_assert_eq!(Some(found), expected, "{}", written);
        }
    }

    #[test]
    fn what_clients_write_changes_nothing(
        prefix in "[ -~]{0,40}", forwarded: bool, separate: bool,
    ) {
        let (name, added) = if forwarded {
            ("forwarded", "for=203.0.113.9;proto=https")
        } else {
            ("x-forwarded-for", "203.0.113.9")
        };
        let joined = format!("{prefix}, {added}");
        let headers = [(name, prefix.as_str()), (name, added), ("x-forwarded-proto", "https")];
        let headers = if separate { headers } else { [("x-other", ""), (name, joined.as_str()), headers[2]] };
        let family = if forwarded { ForwardingHeader::Forwarded } else { ForwardingHeader::XForwarded };
        let client = proxies().header(family).resolve(&request(PROXY, &headers));
        prop_assert_eq!(addr(&client), STRANGER);
        prop_assert_eq!(client.scheme(), Scheme::Https);
    }

    #[test]
    fn a_source_has_one_key(words: [u16; 8], host: u64, v4: [u8; 4]) {
        let first = IpAddr::from(words);
        let [a, b, c, d, ..] = words;
        let bytes = host.to_be_bytes();
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let neighbour = IpAddr::from([a, b, c, d, word(0), word(2), word(4), word(6)]);
        prop_assume!((a, b) != (0, 0) && (a, b) != (0x64, 0xff9b));
        prop_assert_eq!(AddrKey::from(first), AddrKey::from(neighbour));
        let mapped = std::net::Ipv4Addr::from(v4).to_ipv6_mapped();
        prop_assert_eq!(AddrKey::from(IpAddr::from(v4)), AddrKey::from(IpAddr::from(mapped)));
    }
}
