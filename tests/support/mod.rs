//! What the tests with outside judges share: programs that stop when the test does, a few lines of
//! HTTP, and skipping aloud.

#![allow(dead_code, reason = "each test file uses a part of this")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use std::env;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a program may take for one thing asked of it: the slowest is a browser's first start on
/// a loaded machine with two cores.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Says on the terminal that `what` was skipped and why, even though the test passes. With
/// `DONJON_REQUIRE_ALL=1` the test fails instead.
#[track_caller]
pub(crate) fn skip(what: &str, why: impl Display) {
    let required = env::var("DONJON_REQUIRE_ALL").is_ok_and(|value| value == "1");
    assert!(!required, "DONJON_REQUIRE_ALL=1 forbids to skip {what}: {why}");
    tell(format_args!("SKIPPED {what}: {why}"));
}

/// Prints where `cargo test` does not capture it.
pub(crate) fn tell(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Where the tests keep what they install: outside the checkout.
pub(crate) fn tools() -> PathBuf {
    let named = env::var_os("DONJON_TOOLS").map(PathBuf::from);
    let cache = || Some(PathBuf::from(env::var_os("XDG_CACHE_HOME")?).join("donjon"));
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache/donjon"));
    named.or_else(cache).or_else(home).unwrap_or_else(|| env::temp_dir().join("donjon"))
}

/// The first of `names` that is on the `PATH`.
pub(crate) fn program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

/// A folder of one test, empty at first, removed with this value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("donjon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A program that is killed when this value is dropped, however the test ends.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    output: Option<Lines<BufReader<ChildStdout>>>,
    printed: Option<JoinHandle<Vec<String>>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = Path::new(command.as_std().get_program()).file_name().unwrap();
        let name = name.to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let output = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Self { name, child, output, printed: None }
    }

    /// Reads what the program prints until a line holds `mark` and behind it a port number.
    pub(crate) async fn port_after(&mut self, mark: &str) -> u16 {
        let rest = self.line_with(mark).await;
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().unwrap_or_else(|_| panic!("no port behind {mark:?} in {rest:?}"))
    }

    /// Reads what the program prints until a line holds `mark`, and gives what stands behind it.
    pub(crate) async fn line_with(&mut self, mark: &str) -> String {
        let name = &self.name;
        let output = self.output.as_mut().expect("the output is read until `run`");
        let search = async {
            while let Some(line) = output.next_line().await.unwrap() {
                let Some((_, rest)) = line.split_once(mark) else { continue };
                return rest.to_owned();
            }
            panic!("{name} ended before it printed {mark:?}");
        };
        timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("{name} has not printed {mark:?} in {PATIENCE:?}"))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets the program go on; what it prints from now on is read, lest it block.
    pub(crate) fn run(&mut self) {
        if let Some(mut output) = self.output.take() {
            self.printed = Some(tokio::spawn(async move {
                let mut lines = Vec::new();
                while let Ok(Some(line)) = output.next_line().await {
                    lines.push(line);
                }
                lines
            }));
        }
    }

    /// Ends it as a loss of power does, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Ends it as Ctrl-C does, and gives the lines it has printed since `run`.
    pub(crate) async fn interrupt(mut self) -> Vec<String> {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("{} does not stop", self.name)).unwrap();
        assert!(status.success(), "{} stops with {status}", self.name);
        self.printed.take().expect("it was read").await.unwrap()
    }
}

/// A server of ours on a free port of 127.0.0.1.
#[derive(Debug)]
pub(crate) struct Server {
    /// `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`.
    pub(crate) url: String,
    running: Running,
}

impl Server {
    /// Starts an example, which stands beside this test.
    pub(crate) async fn example(name: &str, arguments: &[&str]) -> Self {
        static BUILT: OnceCell<()> = OnceCell::const_new();
        let test = env::current_exe().unwrap();
        let folder = test.parent().and_then(Path::parent).expect("TARGET/PROFILE/deps/TEST");
        BUILT.get_or_init(async || build_examples(folder).await).await;

        let example = folder.join("examples").join(name).with_extension(env::consts::EXE_EXTENSION);
        let mut command = Command::new(example);
        let mut running = Running::start(command.args(arguments).env("ADDR", "127.0.0.1:0"));
        let port = running.port_after("http://127.0.0.1:").await;
        running.run();
        Self { url: format!("http://127.0.0.1:{port}"), running }
    }

    /// Ends it as Ctrl-C does, and gives the lines it has printed.
    pub(crate) async fn interrupt(self) -> Vec<String> {
        self.running.interrupt().await
    }

    /// Starts `tests/judges/https_front.mjs` before `upstream`, which writes its certificate to
    /// `certificate`.
    pub(crate) async fn https_front(node: &Path, upstream: &str, certificate: &Path) -> Self {
        Self::https_front_for(node, upstream, certificate, &[]).await
    }

    /// The same for graders: see there what it does `otherwise` then.
    pub(crate) async fn https_front_for(
        node: &Path,
        upstream: &str,
        certificate: &Path,
        otherwise: &[&str],
    ) -> Self {
        let mut command = Command::new(node);
        command.arg(judge("https_front.mjs")).arg(upstream).arg(certificate).args(otherwise);
        let mut running = Running::start(&mut command);
        let port = running.port_after("https://127.0.0.1:").await;
        running.run();
        Self { url: format!("https://127.0.0.1:{port}"), running }
    }
}

/// Does nothing after a whole `cargo test`; after `cargo test --test …`, which builds no examples,
/// they would be missing or old.
async fn build_examples(folder: &Path) {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--all-features", "--examples"]);
    build.args(folder.ends_with("release").then_some("--release"));
    build.arg("--target-dir").arg(folder.parent().expect("TARGET/PROFILE"));
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    let done = output(&mut build, Duration::from_secs(600)).await;
    done.unwrap_or_else(|error| panic!("the examples cannot be built: {error}"));
}

/// A file in `tests/judges/`.
pub(crate) fn judge(name: &str) -> PathBuf {
    // Of the examples, which share this, too.
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = folders.find_map(|folder| {
        let file = folder.join("tests/judges").join(name);
        file.exists().then_some(file)
    });
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// A program run to its end: what it printed, or what it complained of.
pub(crate) async fn output(command: &mut Command, patience: Duration) -> Result<String, String> {
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let done = timeout(patience, done).await.map_err(|_| format!("not done in {patience:?}"))?;
    let done = done.map_err(|error| error.to_string())?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Every value of the header, which is named in lower case.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(found, _)| found == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The answer as far as it has come, once its head is complete.
    fn parse(received: &[u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(received).ok()?.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let headers = lines.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Some(Self { status, headers: headers.collect(), body: body.to_owned() })
    }

    fn is_complete(&self) -> bool {
        self.header("content-length").iter().any(|length| **length == self.body.len().to_string())
    }
}

/// One plain HTTP/1.1 exchange on a connection of its own: `request` is the method and the path,
/// such as `"GET /"`, and `headers` are whole lines.
pub(crate) async fn ask(server: &str, request: &str, headers: &str, body: &str) -> Answer {
    let host = server.strip_prefix("http://").expect("plain HTTP");
    let length = body.len();
    let message = format!(
        "{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    let exchange = async {
        let mut stream = TcpStream::connect(host).await.unwrap();
        stream.write_all(message.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        // `chromedriver` leaves the connection open all the same.
        while stream.read_buf(&mut received).await.unwrap() > 0 {
            if let Some(answer) = Answer::parse(&received).filter(Answer::is_complete) {
                return answer;
            }
        }
        Answer::parse(&received).expect("a complete head")
    };
    timeout(PATIENCE, exchange).await.unwrap_or_else(|_| panic!("{host} does not answer {request}"))
}
