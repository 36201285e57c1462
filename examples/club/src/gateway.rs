//! Who takes the money: a gateway on another port that behaves as Paybox and as PayPal do.

use std::error::Error;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use donjon::payment::{HttpError, HttpSend, Mode, PayPal, Paybox, Work};
use tokio::net::TcpListener;

use crate::simulator::Simulator;
use crate::site::Site;
use crate::{settings::Settings, tls};

/// What the club knows of the gateway, beside its account.
pub(crate) struct GatewayAt {
    origin: String,
    paybox_key: String,
    paypal_certificate: String,
}

impl GatewayAt {
    /// Starts it, or finds that of another instance.
    pub(crate) async fn of(settings: &Settings, site: &Site) -> Result<Self, Box<dyn Error>> {
        let folder = settings.data.join("gateway");
        let at = |name: &str| folder.join(name);
        if settings.share_gateway {
            let read = |name| fs::read_to_string(at(name));
            let (origin, paybox_key) = (read("origin")?, read("paybox.pem")?);
            return Ok(Self { origin, paybox_key, paypal_certificate: read("paypal.pem")? });
        }
        let listener = TcpListener::bind(settings.gateway).await?;
        let simulator = Simulator::serve(listener, ToClub::new(&settings.data)?)?;
        // What stands in the club's account at PayPal. Paybox is told with each payment.
        simulator.webhook("paypal", &format!("{}/pay/notify/paypal", site.origin()));
        let gateway = Self {
            origin: simulator.origin(),
            paybox_key: simulator.public_key().to_owned(),
            paypal_certificate: simulator.paypal_certificate().to_owned(),
        };
        fs::create_dir_all(&folder)?;
        fs::write(at("paybox.pem"), &gateway.paybox_key)?;
        fs::write(at("paypal.pem"), &gateway.paypal_certificate)?;
        fs::write(at("origin"), &gateway.origin)?;
        Ok(gateway)
    }

    /// In earnest: `Paybox::new(Mode::Production, …)`, and nothing of a simulator.
    pub(crate) fn paybox(&self) -> Result<Paybox, donjon::payment::ConfigError> {
        Paybox::test_account()?.simulator(&self.origin, &self.paybox_key)
    }

    /// In earnest: `PayPal::new(Mode::Production, …)`, with what the app's page at PayPal shows.
    pub(crate) fn paypal(&self) -> Result<PayPal, donjon::payment::ConfigError> {
        let [id, secret, webhook] = Simulator::PAYPAL;
        PayPal::new(Mode::Test, id, secret, webhook)?
            .simulator(&self.origin, &self.paypal_certificate)
    }
}

/// How the simulator tells the club of payments: by https, with a certificate that no authority of the world knows.
struct ToClub(reqwest::Client);

impl ToClub {
    fn new(data: &Path) -> Result<Self, Box<dyn Error>> {
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls::client(data)?);
        Ok(Self(client.no_proxy().build()?))
    }

    async fn answer(
        &self,
        request: http::Request<Bytes>,
    ) -> reqwest::Result<http::Response<Bytes>> {
        let answer = self.0.execute(request.try_into()?).await?;
        let status = answer.status();
        let mut response = http::Response::new(answer.bytes().await?);
        *response.status_mut() = status;
        Ok(response)
    }
}

impl HttpSend for ToClub {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Work<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(async move {
            self.answer(request).await.map_err(|error| {
                eprintln!("the gateway does not reach the club: {error}");
                HttpError::new()
            })
        })
    }
}
