//! The proxies themselves, with the settings that the page shows, and curl as the client.
//!
//! All of `127.0.0.0/8` is this machine, so everybody has an address of his own: the client is
//! [`CLIENT`], the proxies listen on [`FRONT`] and connect from `127.0.0.1` unless told otherwise.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{interval, timeout};

use crate::support::{PATIENCE, Running, Scratch, output, program, skip};

const PAGE: &str = include_str!("../../src/client/behind_a_proxy.md");

pub(crate) const CLIENT: &str = "127.0.0.9";
/// Where the proxies listen, and nothing else does.
const FRONT: &str = "127.0.0.7";
/// Where the first of two proxies connects from.
pub(crate) const FIRST: &str = "127.0.0.5";

/// The code block of the page that begins with this comment.
pub(crate) fn snippet(language: &str, title: &str) -> String {
    let start = format!("```{language}\n# {title}\n");
    let (_, block) = PAGE.split_once(&start).unwrap_or_else(|| panic!("no {start:?} on the page"));
    let block = block.split_once("\n```").unwrap().0;
    format!("# {title}\n{block}\n")
}

/// The commands by which the page has its readers check their own.
pub(crate) fn checks() -> impl Iterator<Item = (&'static str, u16)> {
    let (_, block) = PAGE.split_once("```sh\n").unwrap();
    let lines = block.split_once("```").unwrap().0.lines();
    lines.filter_map(|line| {
        let (command, comment) = line.strip_prefix("curl ")?.split_once("  # ")?;
        Some((command.trim(), comment[..3].parse().unwrap()))
    })
}

/// The same text with something else in one place or more. It must stand there.
pub(crate) fn edit(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no {from:?} in {text}");
    text.replace(from, to)
}

/// The same settings without the line that holds `part`.
pub(crate) fn without(text: &str, part: &str) -> String {
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains(part)).collect();
    assert_eq!(kept.len() + 1, text.lines().count(), "{part:?} stands not once in {text}");
    kept.join("\n") + "\n"
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Nginx,
    Caddy,
    Haproxy,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Nginx, Self::Caddy, Self::Haproxy];

    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
        }
    }

    /// The settings of the page.
    pub(crate) fn settings(self) -> String {
        match self {
            Self::Nginx => snippet("nginx", "nginx"),
            Self::Caddy => snippet("caddyfile", "Caddy"),
            Self::Haproxy => snippet("haproxy", "HAProxy"),
        }
    }

    /// The whole of the configuration: what the page shows, on other ports, with files that exist,
    /// in the frame that the program needs.
    fn configuration(self, settings: &str, folder: &Path, http: u16, https: u16) -> String {
        let folder = folder.display();
        match self {
            Self::Nginx => {
                let settings = settings
                    .replace("listen 80;", &format!("listen {FRONT}:{http};"))
                    .replace("listen 443 ", &format!("listen {FRONT}:{https} "))
                    .replace("/etc/ssl/club.example", &format!("{folder}/club.example"));
                format!(
                    "daemon off; master_process off; pid {folder}/pid; events {{}}\nhttp {{\n\
                     access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2;\n\
                     fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;\n\
                     {settings}}}\n"
                )
            }
            Self::Caddy => {
                let tls = format!("tls {folder}/club.example.crt {folder}/club.example.key");
                let site = "club.example {\n";
                let tls =
                    if settings.contains("http://club.example") { String::new() } else { tls };
                let settings = edit(settings, site, &format!("{site}bind {FRONT}\n{tls}\n"));
                format!("{{\nadmin off\nhttp_port {http}\nhttps_port {https}\n}}\n{settings}")
            }
            Self::Haproxy => {
                let settings = settings
                    .replace("bind :80\n", &format!("bind {FRONT}:{http}\n"))
                    .replace("bind :443 ", &format!("bind {FRONT}:{https} "))
                    .replace("/etc/ssl/club.example", &format!("{folder}/club.example"));
                format!(
                    "global\n    maxconn 100\ndefaults\n    timeout connect 10s\n    \
                     timeout client 60s\n    timeout server 60s\n{settings}"
                )
            }
        }
    }

    fn command(self, configuration: &Path, folder: &Path) -> Command {
        let mut command = Command::new(found(self.name()).unwrap());
        match self {
            Self::Nginx => {
                command.arg("-p").arg(folder).arg("-e").arg(folder.join("log"));
                command.arg("-c").arg(configuration);
            }
            Self::Caddy => {
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(configuration);
                let homes = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
                command.envs(homes.map(|home| (home, folder)));
            }
            Self::Haproxy => {
                command.args(["-db", "-f"]).arg(configuration);
            }
        }
        command
    }
}

/// A program on the `PATH`, or where daemons are.
fn found(name: &str) -> Option<PathBuf> {
    program(&[name])
        .or_else(|| Some(Path::new("/usr/sbin").join(name)).filter(|path| path.is_file()))
}

/// Whether the proxies, and what else every test needs, are installed. Skips aloud if not.
pub(crate) fn installed(proxies: &[Kind]) -> bool {
    let names = proxies.iter().map(|kind| kind.name()).chain(["curl", "openssl"]);
    let missing: Vec<&str> = names.filter(|name| found(name).is_none()).collect();
    if !missing.is_empty() {
        skip("the test behind real proxies", format_args!("{} not installed", missing.join(", ")));
    }
    missing.is_empty()
}

/// A proxy that runs.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) http: SocketAddr,
    https: SocketAddr,
    _running: Running,
    folder: Scratch,
}

impl Front {
    /// Starts a proxy with these settings before the app.
    pub(crate) async fn start(kind: Kind, settings: &str, app: SocketAddr) -> Self {
        let app = app.to_string();
        Self::start_as_is(kind, &edit(settings, "127.0.0.1:3000", &app)).await
    }

    pub(crate) async fn start_as_is(kind: Kind, settings: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        for _ in 0..3 {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let folder = Scratch::new(&format!("{}-{count}", kind.name()));
            if let Some(front) = Self::try_start(kind, settings, folder).await {
                return front;
            }
        }
        panic!("{kind:?} does not start with {settings}");
    }

    /// `None` if the program ends at once: somebody may have taken its ports.
    async fn try_start(kind: Kind, settings: &str, folder: Scratch) -> Option<Self> {
        make_certificate(&folder).await;
        let (http, https) = free_ports().await;
        let configuration =
            kind.configuration(settings, &folder.join(""), http.port(), https.port());
        let at = folder.join("configuration");
        std::fs::write(&at, configuration).unwrap();
        let log = folder.join("log");
        let mut command = kind.command(&at, &folder.join(""));
        command.stderr(Stdio::from(std::fs::File::create(&log).unwrap()));
        let mut running = Running::start(&mut command);
        running.run();

        let marks = ["listen 443 ssl", "bind :443 ssl", "# Caddy\nclub.example {"];
        let has_tls = marks.iter().any(|mark| settings.contains(mark));
        let (first, last) = if has_tls { (http, https) } else { (http, http) };
        let mut tick = interval(Duration::from_millis(10));
        let up = async {
            loop {
                if TcpStream::connect(first).await.is_ok() && TcpStream::connect(last).await.is_ok()
                {
                    return true;
                }
                if running.has_ended() {
                    return false;
                }
                tick.tick().await;
            }
        };
        let told = || std::fs::read_to_string(&log).unwrap_or_default();
        let up = timeout(PATIENCE, up).await;
        let up = up.unwrap_or_else(|_| panic!("{kind:?} does not listen: {}", told()));
        if !up {
            eprintln!("{kind:?} has ended: {}", told());
            return None;
        }
        Some(Self { http, https, _running: running, folder })
    }

    /// Asks by https for `/whoami`, with headers: `a: b`.
    pub(crate) async fn ask(&self, headers: &[&str]) -> Reply {
        self.curl(&with_headers("https://club.example/whoami", headers)).await
    }

    /// Asks by http.
    pub(crate) async fn ask_http(&self, headers: &[&str]) -> Reply {
        self.curl(&with_headers("http://club.example/whoami", headers)).await
    }

    /// Runs curl, for which the proxy is `club.example`.
    pub(crate) async fn curl(&self, arguments: &[String]) -> Reply {
        let mut command = curl();
        command.arg("--cacert").arg(self.folder.join("club.example.crt"));
        command.args(["--connect-to", &format!("club.example:80:{}", self.http)]);
        command.args(["--connect-to", &format!("club.example:443:{}", self.https)]);
        Reply::of(command.args(arguments)).await
    }
}

/// Asks the app past every proxy.
pub(crate) async fn ask_past(app: SocketAddr, path: &str, headers: &[&str]) -> Reply {
    Reply::of(curl().args(with_headers(&format!("http://{app}{path}"), headers))).await
}

fn with_headers(url: &str, headers: &[&str]) -> Vec<String> {
    let headers = headers.iter().flat_map(|header| ["-H".to_owned(), (*header).to_owned()]);
    headers.chain([url.to_owned()]).collect()
}

fn curl() -> Command {
    let mut command = Command::new("curl");
    // Without the user's own settings and proxies.
    command.args(["-q", "--noproxy", "*", "-sS", "--max-time", "30", "--interface", CLIENT]);
    command.args(["--output", "-", "--write-out", "\n%{http_code} %{redirect_url}"]);
    command
}

/// What curl has got.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) location: String,
    /// Without the head, even if that was asked for.
    pub(crate) body: String,
}

impl Reply {
    async fn of(curl: &mut Command) -> Self {
        let text = output(curl, PATIENCE).await.unwrap_or_else(|error| panic!("{curl:?}: {error}"));
        let (body, last) = text.rsplit_once('\n').unwrap();
        let (status, location) = last.split_once(' ').unwrap();
        let body = body.rsplit_once("\r\n\r\n").map_or(body, |(_, body)| body);
        let (location, body) = (location.to_owned(), body.to_owned());
        Self { status: status.parse().unwrap(), location, body }
    }

    /// What the app has said of its client.
    #[track_caller]
    pub(crate) fn is(&self, expected: &str) {
        assert_eq!((self.status, self.body.as_str()), (200, expected), "{self:?}");
    }

    #[track_caller]
    pub(crate) fn is_redirect(&self) {
        let location = self.location.as_str();
        assert_eq!((self.status, location), (308, "https://club.example/whoami"), "{self:?}");
    }
}

async fn free_ports() -> (SocketAddr, SocketAddr) {
    let bind = async || TcpListener::bind((FRONT, 0)).await.unwrap();
    let (http, https) = (bind().await, bind().await);
    (http.local_addr().unwrap(), https.local_addr().unwrap())
}

/// One that is thrown away, as `.crt`, `.key`, and `.pem` with both.
async fn make_certificate(folder: &Scratch) {
    let (key, certificate) = (folder.join("club.example.key"), folder.join("club.example.crt"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=club.example"]);
    openssl.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-addext", "subjectAltName=DNS:club.example"]);
    openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    output(&mut openssl, PATIENCE).await.unwrap();
    let both = [certificate, key].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    std::fs::write(folder.join("club.example.pem"), both).unwrap();
}
