//! What cannot be configured.

/// Why proxies or networks cannot be configured so.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A list of networks with nothing in it.
    #[error("no networks: name at least one, such as 10.0.0.0/8")]
    NoNetworks,

    /// Proxies are to be believed, but none of them.
    #[error("no proxies to believe: say at least 1, or use TrustedProxies::none()")]
    NoHops,

    /// What is no network.
    #[error("{value:?} is no network: write it as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.7")]
    Network {
        /// What was given.
        value: String,
    },

    /// An address inside of a network where the network itself should stand.
    #[error(
        "{value} is an address with a prefix: write {network} for the network, or the address alone"
    )]
    HostBits {
        /// What was given.
        value: String,
        /// The network it lies in.
        network: String,
    },

    /// Proxies in a network that holds every address there is.
    #[error(
        "0.0.0.0/0 and ::/0 believe everybody who says to be a proxy: name your proxies' networks, or use hops()"
    )]
    Everybody,

    /// A number on top of a number, or of nobody.
    #[error(
        "at_most() says how many proxies of in_networks() are believed; say the number in hops()"
    )]
    AtMostOfNone,

    /// More proxies than any request passes.
    #[error("{hops} proxies are more than {most}: count those that a request really passes")]
    TooManyHops {
        /// What was given.
        hops: usize,
        /// The most there may be.
        most: usize,
    },
}
