//! A browser that follows where it is sent, without any of its own ideas.

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::form_urlencoded::Serializer;

/// What came back.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    body: String,
}

impl Seen {
    #[track_caller]
    fn leads_to(self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.location.unwrap()
    }
}

/// Where the payer is, once he has pressed the shop's button.
pub(crate) enum At {
    /// The gateway's page, and the form that it has on it.
    Page { action: String, fields: Vec<(String, String)> },
    /// Nowhere: the shop does not send him away.
    Shop(Seen),
}

/// Presses the button, and goes on to the gateway.
pub(crate) async fn sets_out(shop: &str, gateway: &str, order: &str) -> At {
    let seen = post(&format!("{shop}/buy/{gateway}/{order}"), &[]).await;
    match seen.status {
        StatusCode::SEE_OTHER => {
            let action = seen.leads_to();
            // Nobody goes anywhere else than to the simulator.
            assert!(action.starts_with("http://127.0.0.1:"), "{action}");
            let page = send(Request::get(&action).body(Body::empty()).unwrap()).await;
            assert_eq!(page.status, StatusCode::OK);
            At::Page { action, fields: Vec::new() }
        }
        StatusCode::OK => {
            // A form that posts itself.
            let (action, fields) = form(&seen.body);
            let page = post(&action, &fields).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
            let (origin, _) = action.split_once("/cgi/").unwrap();
            let fields = vec![("order".to_owned(), order.to_owned())];
            At::Page { action: format!("{origin}/decide"), fields }
        }
        _ => At::Shop(seen),
    }
}

impl At {
    /// Says yes on the gateway's page, and is sent back; gives where the shop shows him his order.
    pub(crate) async fn pays(self, shop: &str) -> String {
        let Self::Page { action, mut fields } = self else { panic!("nobody was sent away") };
        fields.push(("how".to_owned(), "pay".to_owned()));
        let back = post(&action, &fields).await.leads_to();
        assert!(back.starts_with(&format!("{shop}/pay/return/")), "{back}");
        send(Request::get(back).body(Body::empty()).unwrap()).await.leads_to()
    }
}

fn form(page: &str) -> (String, Vec<(String, String)>) {
    let attribute = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap();
        let (value, _) = rest.split_once('"').unwrap();
        let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'")];
        let value = plain.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to));
        value.replace("&amp;", "&")
    };
    let action = page.split("<form").nth(1).unwrap();
    let inputs = page.split("<input").skip(1);
    let fields = inputs.map(|input| (attribute(input, "name"), attribute(input, "value")));
    (attribute(action, "action"), fields.collect())
}

async fn post(url: &str, fields: &[(String, String)]) -> Seen {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let request =
        Request::post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    send(request.unwrap().map(Body::from)).await
}

async fn send(request: Request<Body>) -> Seen {
    let client = Client::builder(TokioExecutor::new()).build::<_, Body>(HttpConnector::new());
    let answer: Response<_> = client.request(request).await.unwrap();
    let location = answer.headers().get("location");
    let location = location.map(|location| location.to_str().unwrap().to_owned());
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Seen { status, location, body: String::from_utf8_lossy(&body).into_owned() }
}
