//! From the server to the client, from proxy to proxy.

use std::net::IpAddr;

use super::Networks;

/// Whom to believe.
#[derive(Clone, Debug)]
pub(super) enum Believed {
    Nobody,
    In {
        networks: Networks,
        at_most: usize,
    },
    /// So many, whoever they are.
    Last(usize),
}

/// The walk from the server to the client, from proxy to proxy.
pub(super) struct Walk<'a> {
    believed: &'a Believed,
    hops: usize,
    end: End,
}

/// How a walk ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// Nobody has said anything.
    Nothing,
    /// Everybody so far is a believed proxy.
    AllBelieved(IpAddr),
    /// At one who is not.
    Client(IpAddr),
    /// At something that is no address.
    Broken,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(believed: &'a Believed) -> Self {
        Self { believed, hops: 0, end: End::Nothing }
    }

    /// Takes the next entry to the left; `None` where nothing further is believed.
    pub(super) fn step(&mut self, entry: Option<IpAddr>) -> Option<()> {
        self.hops += 1;
        self.end = match (entry, self.believed) {
            (None, _) | (_, Believed::Nobody) => End::Broken,
            (Some(address), Believed::Last(hops)) if self.hops < *hops => End::AllBelieved(address),
            (Some(address), Believed::In { networks, at_most })
                if self.hops < *at_most && networks.contains(address) =>
            {
                End::AllBelieved(address)
            }
            (Some(address), _) => End::Client(address),
        };
        matches!(self.end, End::AllBelieved(_)).then_some(())
    }

    pub(super) fn end(self) -> End {
        match (self.end, self.believed) {
            // Fewer than there are: not every request passes all of them, or somebody comes past.
            (End::Nothing | End::AllBelieved(_), Believed::Last(_)) => End::Broken,
            (end, _) => end,
        }
    }
}
