//! Five hundred logins at once, over connections, at a server of its own process: what it grows by, how
//! soon those it has no room for are told, and what everybody else notices of it.

use std::error::Error;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Router, serve};
use donjon::client::TrustedProxies;
use donjon::lockout::{Lockout, LockoutPolicy, LoginAttempt, LoginLockout};
use donjon::login::{Credential, Login};
use donjon::middleware::Stack;
use donjon::password::Passwords;
use donjon::refusal::Refusal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

const SERVER: &str = "--flood-server";
const PERMITS: u32 = 4;
const LOGINS: u16 = 500;

/// What the server may grow by: four times Argon2's memory, and 500 connections with what belongs to
/// them.
const GROWTH: u64 = (PERMITS as u64 * 19 + 16) << 20;

/// Whether this is the server's process.
pub(crate) fn is_server() -> bool {
    std::env::args().nth(1).is_some_and(|argument| argument == SERVER)
}

#[derive(Clone)]
struct App {
    login: Login,
}

/// Prints where it listens, and serves until it is killed.
pub(crate) fn serve_logins() -> Result<(), Box<dyn Error>> {
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let passwords = Passwords::owasp().max_concurrent(PERMITS as usize).build()?;
        let lockout = Lockout::builder(LockoutPolicy::default()).build()?;
        let stack = Stack::new((TrustedProxies::none(),));
        let app = Router::new()
            .route("/sign-in", post(sign_in))
            .route_layer(LoginLockout::new(&lockout))
            .route("/", get(|| async { "hello" }))
            .layer(stack)
            .with_state(App { login: Login::new(&lockout, &passwords) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
        Ok(())
    })
}

/// Nobody has an account here: what is measured is the work of saying so.
async fn sign_in(
    State(App { login }): State<App>,
    attempt: LoginAttempt,
    name: String,
) -> Result<&'static str, Refusal> {
    let nobody = |_| async { Ok::<_, io::Error>(None::<Credential<()>>) };
    login.verify(&name, attempt, "a guess", nobody).await.granted()?;
    Ok("hello")
}

/// Killed with this value.
struct Server(Child, SocketAddr);

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program).arg(SERVER).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let printed = child.stdout.take().ok_or("its output")?;
        BufReader::new(printed).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self(child, address))
    }

    /// The most it ever had, in bytes.
    fn peak(&self) -> Result<u64, Box<dyn Error>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn report() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let address = server.1;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut idle, idle_peak) = runtime.block_on(async {
        let (until, told) = watch::channel(false);
        let asking = tokio::spawn(ask_for_page(address, told));
        tokio::time::sleep(Duration::from_secs(2)).await;
        until.send(true)?;
        Ok::<_, Box<dyn Error>>((asking.await??, server.peak()?))
    })?;
    let (mut meanwhile, mut refused, mut denied, took) = runtime.block_on(flood(address))?;
    let grown = server.peak()?.saturating_sub(idle_peak);

    let [p50, p99] = quantiles(&mut idle);
    let [p50_then, p99_then] = quantiles(&mut meanwhile);
    let [refused_p50, refused_p99] = quantiles(&mut refused);
    let [denied_p50, denied_p99] = quantiles(&mut denied);
    println!(
        "\n| {LOGINS} logins at once, {PERMITS} hashed at a time | how many | p50 ms | p99 ms |"
    );
    println!("|:--|--:|--:|--:|");
    println!("| another page, when nobody logs in | {} | {p50:.2} | {p99:.2} |", idle.len());
    println!("| another page meanwhile | {} | {p50_then:.2} | {p99_then:.2} |", meanwhile.len());
    println!("| logins denied, 401 | {} | {denied_p50:.0} | {denied_p99:.0} |", denied.len());
    println!("| logins refused, 503 | {} | {refused_p50:.0} | {refused_p99:.0} |", refused.len());
    println!(
        "\nIt took {:.1} s. The server grew by {:.1} MiB; {PERMITS} times Argon2's memory are {} MiB.",
        took.as_secs_f64(),
        mebibytes(grown),
        PERMITS * 19,
    );
    if grown > GROWTH {
        return Err(format!("the server grew by {grown} bytes: more than {GROWTH}").into());
    }
    if refused.len() + denied.len() != usize::from(LOGINS) {
        return Err("not every login was answered by 401 or 503".into());
    }
    Ok(())
}

/// Milliseconds that another page took meanwhile, those of the logins refused and denied, and all.
type Flood = (Vec<f64>, Vec<f64>, Vec<f64>, Duration);

async fn flood(server: SocketAddr) -> Result<Flood, Box<dyn Error>> {
    let (until, told) = watch::channel(false);
    let page = tokio::spawn(ask_for_page(server, told));
    let mut connections = Vec::new();
    for index in 0..LOGINS {
        connections.push(connect(server, index).await?);
    }
    let begin = Instant::now();
    let mut logins = JoinSet::new();
    for (index, connection) in connections.into_iter().enumerate() {
        logins.spawn(log_in(connection, index));
    }
    let (mut refused, mut denied) = (Vec::new(), Vec::new());
    while let Some(answer) = logins.join_next().await {
        match answer?? {
            (503, millis) => refused.push(millis),
            (401, millis) => denied.push(millis),
            (other, _) => return Err(format!("a login was answered by {other}").into()),
        }
    }
    let took = begin.elapsed();
    until.send(true)?;
    Ok((page.await??, refused, denied, took))
}

/// From a hundred addresses, so that no lock spares the server the work.
async fn connect(server: SocketAddr, index: u16) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(index % 100).unwrap_or_default() + 2;
    socket.bind((Ipv4Addr::new(127, 0, 1, last), 0).into())?;
    socket.connect(server).await
}

/// A name of its own, for the same reason. The status, and milliseconds.
async fn log_in(mut stream: TcpStream, index: usize) -> io::Result<(u16, f64)> {
    let begin = Instant::now();
    let name = format!("user{index}");
    let request = format!(
        "POST /sign-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: text/plain\r\ncontent-length: {}\r\n\r\n{name}",
        name.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let status = std::str::from_utf8(&answer).ok().and_then(|text| text.get(9..12)?.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, millis(begin)))
}

/// On one connection, one request after the other, until it is told to stop.
async fn ask_for_page(server: SocketAddr, told: watch::Receiver<bool>) -> io::Result<Vec<f64>> {
    let mut stream = TcpStream::connect(server).await?;
    let (mut taken, mut answer) = (Vec::new(), [0; 1024]);
    while !*told.borrow() {
        let begin = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        let read = stream.read(&mut answer).await?;
        if !answer[..read].ends_with(b"hello") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        taken.push(millis(begin));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(taken)
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn quantiles(samples: &mut [f64]) -> [f64; 2] {
    samples.sort_by(f64::total_cmp);
    [samples.len() / 2, samples.len() * 99 / 100]
        .map(|at| samples.get(at).copied().unwrap_or(f64::NAN))
}

#[expect(clippy::cast_precision_loss, reason = "there are a few millions")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
