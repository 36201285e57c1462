//! Sets of networks.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::ConfigError;

/// A set of networks, each written as `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
///
/// IPv4 addresses are the same however they are written: `::ffff:10.0.0.1` is in `10.0.0.0/8`, and
/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
///
/// ```
/// use donjon::client::Networks;
///
/// let office = Networks::parse(["192.0.2.0/24", "2001:db8:7::/48", "198.51.100.7"])?;
/// assert!(office.contains("192.0.2.200".parse().unwrap()));
/// assert!(office.contains("::ffff:192.0.2.200".parse().unwrap()));
/// assert!(!office.contains("198.51.100.8".parse().unwrap()));
///
/// let mistake = Networks::parse(["10.0.0.5/8"]).unwrap_err();
/// assert!(mistake.to_string().contains("write 10.0.0.0/8 for the network"));
/// # Ok::<_, donjon::client::ConfigError>(())
/// ```
// Ranges in order, none of which touch: looking one up is a binary search.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Networks {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Networks {
    /// Reads networks. There must be one at least.
    pub fn parse<T: AsRef<str>>(
        networks: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let networks = networks.into_iter().map(|text| network(text.as_ref()));
        let networks: Vec<IpNet> = networks.collect::<Result<_, _>>()?;
        if networks.is_empty() {
            return Err(ConfigError::NoNetworks);
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNet::V4(network) => {
                    v4.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
                IpNet::V6(network) => {
                    v6.push((network.network().to_bits(), network.broadcast().to_bits()));
                }
            }
        }
        let v4 = in_order(v4, |end| end.checked_add(1));
        Ok(Self { v4, v6: in_order(v6, |end| end.checked_add(1)) })
    }

    /// Whether an address lies in one of the networks.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => is_in(&self.v4, address.to_bits()),
            IpAddr::V6(address) => is_in(&self.v6, address.to_bits()),
        }
    }

    /// Whether every address of a family lies in them.
    pub(super) fn hold_everybody(&self) -> bool {
        self.v4.first() == Some(&(0, u32::MAX)) || self.v6.first() == Some(&(0, u128::MAX))
    }
}

fn network(text: &str) -> Result<IpNet, ConfigError> {
    let text = text.trim();
    // The address as the standard library reads it: `010.0.0.0`, which some take for octal, is none.
    let read = |address: &str, prefix: Option<&str>| {
        let address: IpAddr = address.parse().ok()?;
        match prefix {
            Some(prefix) => {
                let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
                IpNet::new(address, prefix.parse().ok().filter(|_| digits)?).ok()
            }
            None => Some(address.into()),
        }
    };
    let network = match text.split_once('/') {
        Some((address, prefix)) => read(address, Some(prefix)),
        None => read(text, None),
    };
    let network = network.ok_or_else(|| ConfigError::Network { value: text.to_owned() })?;
    if network.trunc() != network {
        let (value, network) = (text.to_owned(), network.trunc().to_string());
        return Err(ConfigError::HostBits { value, network });
    }
    Ok(unmapped(network))
}

/// A network of IPv4 addresses that are written as IPv6 is one of IPv4 addresses.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let mapped: Option<Ipv4Addr> = v6.network().to_ipv4_mapped();
    let prefix = v6.prefix_len().checked_sub(96);
    match mapped.zip(prefix).map(|(address, prefix)| Ipv4Net::new(address, prefix)) {
        Some(Ok(network)) => network.into(),
        _ => network,
    }
}

fn in_order<T: Copy + Ord>(
    mut ranges: Vec<(T, T)>,
    next: impl Fn(T) -> Option<T>,
) -> Box<[(T, T)]> {
    ranges.sort_unstable();
    let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match merged.last_mut() {
            Some(last) if next(last.1).is_none_or(|next| start <= next) => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged.into()
}

fn is_in<T: Copy + Ord>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, end)| address <= *end)
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv6Net;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0/8",
            "::/129",
            "localhost",
            "*",
            "10.0.0.0-10.0.0.9",
            "fe80::1%eth0",
            "010.0.0.0/8",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
        ] {
            let error = Networks::parse([text]).unwrap_err();
            assert_eq!(error, ConfigError::Network { value: text.to_owned() });
        }
        assert_eq!(Networks::parse([] as [&str; 0]), Err(ConfigError::NoNetworks));
        for text in ["10.0.0.5/8", "2001:db8::1/64", "192.0.2.1/31"] {
            let error = Networks::parse([text]).unwrap_err();
            assert!(matches!(error, ConfigError::HostBits { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn halves_are_a_whole() {
        let same = |halves: [&str; 2], whole| {
            assert_eq!(Networks::parse(halves).unwrap(), Networks::parse([whole]).unwrap());
        };
        same(["10.128.0.0/9", "10.0.0.0/9"], "10.0.0.0/8");
        same(["0.0.0.0/1", "128.0.0.0/1"], "0.0.0.0/0");
        same(["::/1", "8000::/1"], "::/0");
        same(["::/0", "2001:db8::/32"], "::/0");
    }

    #[test]
    fn a_network_of_mapped_addresses_is_one_of_ipv4() {
        let mapped = Networks::parse(["::ffff:10.0.0.0/104"]).unwrap();
        assert_eq!(mapped, Networks::parse(["10.0.0.0/8"]).unwrap());
        assert!(mapped.contains("10.1.2.3".parse().unwrap()));
        assert!(mapped.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!mapped.contains("11.1.2.3".parse().unwrap()));
        // A wider one is what it says.
        let wide = Networks::parse(["::/0"]).unwrap();
        assert!(wide.contains("2001:db8::1".parse().unwrap()));
        assert!(!wide.contains("::ffff:10.1.2.3".parse().unwrap()), "that is an IPv4 address");
    }

    proptest! {
        #[test]
        fn it_holds_what_one_of_its_networks_holds(
            v4: Vec<(u8, u8)>, v6: Vec<(u16, u8)>, probes: Vec<(u8, u16)>,
        ) {
            let networks: Vec<IpNet> = v4
                .iter()
                .map(|(byte, prefix)| {
                    let address = Ipv4Addr::new(*byte, byte / 3, *byte, 0);
                    Ipv4Net::new(address, 1 + prefix % 32).unwrap().trunc().into()
                })
                .chain(v6.iter().map(|(word, prefix)| {
                    let address = [0x2001, *word, 0, word / 3, 0, 0, 0, 1].into();
                    IpNet::from(Ipv6Net::new(address, 1 + prefix % 128).unwrap().trunc())
                }))
                .collect();
            prop_assume!(!networks.is_empty());
            let set = Networks::parse(networks.iter().map(ToString::to_string)).unwrap();
            for (byte, word) in probes {
                let v4: IpAddr = [byte, byte / 3, byte.wrapping_add(1), 0].into();
                let v6: IpAddr = [0x2001, word, 0, word / 3, 0, 0, 0, 1].into();
                for address in [v4, v6] {
                    let expected = networks.iter().any(|network| network.contains(&address));
                    prop_assert_eq!(set.contains(address), expected, "{} {:?}", address, networks);
                }
            }
        }
    }
}
