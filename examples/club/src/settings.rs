//! What the club is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// A tennis club whose courts are booked and paid for, behind every layer of donjon.
#[derive(Debug, Parser)]
pub(crate) struct Settings {
    /// Which framework serves the pages.
    #[arg(long, value_enum, default_value = "axum")]
    pub(crate) server: Server,
    /// Where it listens for https; behind a proxy, for what the proxy hands on.
    #[arg(long, env = "CLUB_ADDRESS", default_value = "127.0.0.1:3443")]
    pub(crate) address: SocketAddr,
    /// Where it listens for http, and sends whoever comes to https.
    #[arg(long, env = "CLUB_HTTP", default_value = "127.0.0.1:3080")]
    pub(crate) http: SocketAddr,
    /// Where the gateway listens that takes the money: a simulator.
    #[arg(long, env = "CLUB_GATEWAY", default_value = "127.0.0.1:3444")]
    pub(crate) gateway: SocketAddr,
    /// How people reach it, such as `https://club.example`; `https://localhost` and the port unless told
    /// otherwise.
    #[arg(long, env = "CLUB_SITE")]
    pub(crate) site: Option<String>,
    /// Where its files are: the database, the certificate, the key, the log.
    #[arg(long, env = "CLUB_DATA", default_value = "club-data")]
    pub(crate) data: PathBuf,
    /// Where login attempts and used tokens are kept that several instances share: `redis://127.0.0.1`.
    #[arg(long, env = "CLUB_REDIS")]
    pub(crate) redis: Option<String>,
    /// A proxy on this machine speaks https, and tells by `X-Forwarded-For` and `X-Forwarded-Proto` who asks.
    #[arg(long, requires = "site")]
    pub(crate) behind_proxy: bool,
    /// Takes the gateway of another instance, which has the same data.
    #[arg(long)]
    pub(crate) share_gateway: bool,
    /// Has no layers, so that what they cost can be measured: `load/run` does. Visitors see the calendar; who asks
    /// for a person, a session or a nonce is answered with an error.
    #[arg(long, hide = true)]
    pub(crate) dangerously_bare: bool,
}

impl Settings {
    /// A club without its layers is nobody's but this machine's.
    pub(crate) fn checked(self) -> Result<Self, &'static str> {
        let is_seen = |address: SocketAddr| !address.ip().is_loopback();
        if self.dangerously_bare && [self.address, self.http].into_iter().any(is_seen) {
            return Err("--dangerously-bare is for 127.0.0.1 and ::1 alone");
        }
        if self.dangerously_bare && self.behind_proxy {
            return Err("--dangerously-bare is not for others, whom a proxy would let in");
        }
        Ok(self)
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Server {
    Axum,
    Actix,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_its_layers_nobody_else_reaches_it() {
        let is_fine = |more: &[&str]| {
            let arguments = ["club", "--dangerously-bare"].iter().chain(more);
            Settings::parse_from(arguments).checked().is_ok()
        };
        assert!(is_fine(&[]));
        assert!(is_fine(&["--address", "[::1]:3443"]));
        for address in ["0.0.0.0:3443", "[::]:3443", "192.0.2.1:3443", "[::ffff:192.0.2.1]:3443"] {
            assert!(!is_fine(&["--address", address]), "{address}");
            assert!(!is_fine(&["--http", address]), "{address}");
        }
        assert!(!is_fine(&["--behind-proxy", "--site", "https://club.example"]));
    }
}
