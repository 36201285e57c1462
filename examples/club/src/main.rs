//! A tennis club whose courts are booked and paid for, behind every layer of donjon.
//!
//! `cargo run -p club`, or `cargo run -p club -- --server actix`. Read `layers.rs` first, then `roles.rs`.

use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use donjon::adapters::reqwest::Reqwest;
use donjon::cookies::CookieSpec;
use donjon::event::{EventLog, EventName, JsonLines, SecurityEvent};
use donjon::keys::KeyRing;
use donjon::lockout::{DeviceCookies, Fallback, Lockout, LockoutPolicy, MemoryStore, RedisStore};
use donjon::login::Login;
use donjon::password::Passwords;
use donjon::payment::Payments;
use redis::aio::ConnectionManager;

use self::club::Club;
use self::db::Db;
use self::gateway::GatewayAt;
use self::layers::Layers;
use self::ledger::Books;
use self::notebook::Notebook;
use self::secrets::Secrets;
use self::settings::{Server, Settings};
use self::site::Site;

mod actix;
mod axum;
mod club;
mod db;
mod gateway;
mod layers;
mod ledger;
mod notebook;
mod pages;
mod reply;
mod roles;
mod secrets;
mod settings;
#[path = "../../payment/simulator/mod.rs"]
mod simulator;
mod site;
#[cfg(test)]
mod tests;
mod tls;

/// What is put together before anybody is let in.
struct House {
    club: Arc<Club>,
    layers: Layers,
    secrets: Secrets,
    attempts: MemoryStore,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse().checked()?;
    fs::create_dir_all(&settings.data)?;
    let data = &*settings.data;

    let listener = TcpListener::bind(settings.address)?;
    let port = listener.local_addr()?.port();
    let site = settings.site.clone().unwrap_or_else(|| format!("https://localhost:{port}"));
    let site = Site::new(site)?;
    let tls = tls::server(data, site.host())?;
    let (plain, encrypted) = if settings.behind_proxy {
        (listener, None) // the proxy may take the certificate from the folder
    } else {
        (TcpListener::bind(settings.http)?, Some((listener, tls)))
    };
    let House { club, layers, secrets, attempts } = House::new(&settings, &site).await?;
    for finding in layers.lint() {
        println!("note: {finding}");
    }

    if settings.dangerously_bare {
        println!("note: nothing of donjon is around the pages, for a measurement");
    }
    println!("listening on {}", site.origin());
    println!("sign in as {NAMES}, password {}", secrets.password);
    println!("its certificate is vouched for by {}", data.join("ca.pem").display());
    let log = club.log.clone();
    log.emit(SecurityEvent::draft(EventName::SysStartup));
    // A restart is no amnesty, and a crash is one for half a minute at most.
    let snapshots = (attempts.clone(), secrets.ring.clone(), data.join("attempts"));
    let saving = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let (attempts, ring, path) = snapshots.clone();
            let save = move || save(&attempts, &ring, &path).map_err(|error| error.to_string());
            if let Ok(Err(error)) = tokio::task::spawn_blocking(save).await {
                eprintln!("the login attempts are not saved: {error}");
            }
        }
    });
    let layers = (layers, settings.dangerously_bare);
    match settings.server {
        Server::Axum => axum::serve(club, layers, plain, encrypted).await?,
        Server::Actix => actix::serve(club, layers, plain, encrypted).await?,
    }

    saving.abort();
    save(&attempts, &secrets.ring, &data.join("attempts"))?;
    log.emit(SecurityEvent::draft(EventName::SysShutdown));
    Ok(log.shutdown(Duration::from_secs(2))?)
}

impl House {
    async fn new(settings: &Settings, site: &Site) -> Result<Self, Box<dyn Error>> {
        let data = &*settings.data;
        let secrets = Secrets::of(data)?;
        let notebook = Notebook::default();
        let log = EventLog::builder()
            .sink("file", JsonLines::file(data.join("events.jsonl")))
            .sink("notebook", notebook.clone())
            .build()?;
        // There are hashes of passwords in it. SQLite gives the files beside it the same mode.
        let path = data.join("club.db");
        secrets::reserve(&path)?;
        let db = Db::open(&path)?;
        let redis = match &settings.redis {
            // It is asked when there is something to ask: the club starts while it is away, too.
            Some(url) => {
                let client = redis::Client::open(url.as_str())?;
                Some(ConnectionManager::new_lazy_with_config(client, <_>::default())?)
            }
            None => None,
        };

        // Five guesses, and then one a minute, one in two minutes, one in four, however many ask at once.
        let attempts = MemoryStore::default();
        restore(&attempts, &secrets, data);
        let lockout = Lockout::builder(LockoutPolicy::default())
            .devices(DeviceCookies::new(&secrets.ring, "club")?)
            .secret(&secrets.lockout)
            .log(&log);
        let lockout = match redis.clone() {
            // While Redis is away each instance counts for itself.
            Some(redis) => {
                lockout.store(Fallback::local_in(RedisStore::new(redis), attempts.clone()))
            }
            None => lockout.store(attempts.clone()),
        };
        let lockout = lockout.build()?;
        let passwords = Passwords::owasp().build()?;
        club::seed(&db, &passwords, &secrets.password).await?;

        let gateway = GatewayAt::of(settings, site).await?;
        let payments = Payments::builder(&secrets.ring, "club", site.origin())?
            .gateway(gateway.paybox()?)
            .gateway(gateway.paypal()?)
            .http(Reqwest::new()?)
            .order_page("/bookings/{order}")
            .log(&log)
            .build(Books { db: db.clone(), redis })?;

        let proxied = settings.behind_proxy;
        let layers = layers::layers(site, proxied, &log, &secrets.ring, &payments, &db)?;
        let login = Login::new(&lockout, &passwords);
        let day = CookieSpec::new("__Host-Http-day")?;
        let club = Arc::new(Club { db, lockout, login, payments, log, notebook, day });
        Ok(Self { club, layers, secrets, attempts })
    }
}

fn save(attempts: &MemoryStore, ring: &KeyRing, path: &Path) -> Result<(), Box<dyn Error>> {
    Ok(secrets::write(path, &attempts.save(ring)?)?)
}

/// What was counted when the club stopped counts on.
fn restore(attempts: &MemoryStore, secrets: &Secrets, data: &Path) {
    let Ok(saved) = fs::read(data.join("attempts")) else { return };
    if let Err(error) = attempts.restore(&secrets.ring, &saved) {
        eprintln!("the login attempts of before are lost: {error}");
    }
}

const NAMES: &str = "ann (member), carl (coach), mia (manager) or adam (admin)";
