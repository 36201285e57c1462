//! A script that the server may know already.

use std::fmt::Write as _;
use std::sync::LazyLock;

use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};
use sha1::{Digest as _, Sha1};

pub(super) struct Script {
    source: &'static str,
    /// Its SHA-1, by which a server knows what it has run before. It is a name and protects nothing.
    name: String,
}

pub(super) static RESERVE: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("record.lua"), include_str!("reserve.lua"))));
pub(super) static SETTLE: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("record.lua"), include_str!("settle.lua"))));
pub(super) static PEEK: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("record.lua"), include_str!("peek.lua"))));

impl Script {
    fn new(source: &'static str) -> Self {
        let mut name = String::with_capacity(40);
        for byte in Sha1::digest(source.as_bytes()) {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        Self { source, name }
    }

    /// Runs it by its name, and by its text where the server was restarted, flushed or has never seen
    /// it. That is safe to repeat: a server that does not know the name has done nothing.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
        key: &str,
        arguments: &[u64],
    ) -> RedisResult<T> {
        let by_name = command("EVALSHA", &self.name, key, arguments);
        match by_name.query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", self.source, key, arguments).query_async(connection).await
            }
            answer => answer,
        }
    }
}

/// One key, so that a cluster knows which of its servers has it.
fn command(name: &str, script: &str, key: &str, arguments: &[u64]) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(1).arg(key).arg(arguments);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_named_by_its_sha_1() {
        assert_eq!(Script::new("return 1").name, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    }
}
