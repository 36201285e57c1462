//! Whatever bytes stand in the headers: the client is the peer, or an address that stands where only
//! believed proxies write; and what a client writes changes nothing of what a proxy adds.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use arbitrary::Arbitrary;
use donjon::client::{
    AddrSource, Client, ForwardingHeader, Networks, Peer, Scheme, TrustedProxies,
};
use http::{HeaderValue, Request};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    lines: Vec<&'a [u8]>,
    protos: Vec<&'a [u8]>,
    hosts: Vec<&'a [u8]>,
    forwarded: bool,
    internal_clients: bool,
    from_stranger: bool,
    hops: u8,
}

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

fuzz_target!(|input: Input<'_>| {
    let peer = if input.from_stranger { STRANGER } else { PROXY };
    let (name, family) = if input.forwarded {
        ("forwarded", ForwardingHeader::Forwarded)
    } else {
        ("x-forwarded-for", ForwardingHeader::XForwarded)
    };
    let mut request = Request::new(());
    request.extensions_mut().insert(Peer(SocketAddr::new(peer, 4711)));
    let mut add = |name: &'static str, lines: &[&[u8]]| {
        for value in lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
            request.headers_mut().append(name, value);
        }
    };
    add(name, &input.lines);
    add("x-forwarded-proto", &input.protos);
    add("host", &input.hosts);

    let networks = ["10.0.0.0/8", "2001:db8:7::/48"];
    let believed = Networks::parse(networks).unwrap();
    let known = TrustedProxies::in_networks(networks).unwrap().header(family).forwarded_host();
    let known = if input.internal_clients { known.internal_clients() } else { known };
    let counted = TrustedProxies::hops(1 + usize::from(input.hops % 8)).unwrap().header(family);

    let client = known.resolve(&request);
    let found = client.addr().unwrap();
    if input.from_stranger {
        assert_eq!((found, client.addr_source()), (STRANGER, AddrSource::Peer));
        assert_eq!(client.scheme(), Scheme::Http);
    }
    if let Some(host) = client.host() {
        assert!(host.name().bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!host.name().contains(['/', '@', '\\', '?', '#']));
    }
    let entries: Vec<_> = lines(&request, name).iter().flat_map(|line| split(line)).collect();
    if found != peer && !input.forwarded {
        let proxies = |entry: &&String| read(entry).is_some_and(|entry| believed.contains(entry));
        let right = entries.iter().rev().take_while(proxies).count();
        let at = entries.len().checked_sub(right + 1);
        let expected = at.map_or_else(|| read(&entries[0]), |at| read(&entries[at]));
        assert_eq!(Some(found), expected, "{entries:?}");
    }
    let counted_client = counted.resolve(&request);
    if counted_client.addr_source() == AddrSource::Forwarded && !input.forwarded {
        let at = entries.len() - 1 - usize::from(input.hops % 8);
        assert_eq!(counted_client.addr().ok(), read(&entries[at]), "{entries:?}");
    }

    // The proxy adds its own entry, to the last line or as a line.
    let added = if input.forwarded { "for=198.51.100.7;proto=https" } else { "198.51.100.7" };
    for own_line in [true, false] {
        let mut lines = lines(&request, name);
        match lines.last_mut() {
            Some(last) if !own_line => last.extend_from_slice(format!(", {added}").as_bytes()),
            _ => lines.push(added.into()),
        }
        let mut request = request.clone();
        request.headers_mut().remove(name);
        for line in lines {
            request.headers_mut().append(name, HeaderValue::from_bytes(&line).unwrap());
        }
        request.extensions_mut().insert(Peer(SocketAddr::new(PROXY, 4711)));
        request.headers_mut().append("x-forwarded-proto", HeaderValue::from_static("https"));
        let client: Client = known.resolve(&request);
        assert_eq!(client.addr().unwrap().to_string(), "198.51.100.7");
        assert_eq!(client.addr_source(), AddrSource::Forwarded);
        assert_eq!(client.scheme(), Scheme::Https);
    }
});

fn lines(request: &Request<()>, name: &str) -> Vec<Vec<u8>> {
    request.headers().get_all(name).iter().map(|line| line.as_bytes().to_vec()).collect()
}

fn split(line: &[u8]) -> Vec<String> {
    let parts = line.split(|byte| *byte == b',');
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// An address as an entry has it, read in another way than the library's: the port and the brackets
/// are cut, then the zone.
fn read(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim_matches([' ', '\t']);
    let entry = match entry.rsplit_once("]:") {
        Some((address, _)) => address,
        None if entry.matches(':').count() == 1 => entry.split_once(':')?.0,
        None => entry.trim_end_matches(']'),
    };
    let entry = entry.strip_prefix('[').unwrap_or(entry);
    let entry = entry.split_once('%').map_or(entry, |(address, _)| address);
    Some(entry.parse::<IpAddr>().ok()?.to_canonical())
}
