//! What is asked of Paybox.

use std::fmt::Write as _;

use super::super::super::checkout::Billing;
use super::super::super::error::StartError;
use super::super::super::money::AmountError;
use super::super::super::start::Start;
use super::fields::Fields;
use super::{Paybox, iso_8601};

/// By which hash a request is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PayboxHash {
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl PayboxHash {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sha224 => "SHA224",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }
}

/// What is asked back, by names and letters: what decides, and the signature at the end. Nothing of the card is
/// among it.
pub(super) const ASKED_BACK: &str =
    "amount:M;order:R;auth:A;call:T;trans:S;date:W;time:Q;error:E;sign:K";

pub(super) fn fields(paybox: &Paybox, start: &Start<'_>) -> Result<Fields, StartError> {
    let checkout = start.checkout;
    if checkout.amount.currency() != paybox.currency {
        return Err(AmountError::Currency.into());
    }
    if checkout.amount.minor() > MOST {
        return Err(AmountError::TooMuch.into());
    }
    let email = checkout.email.as_deref().filter(|email| is_email(email));
    let email = email.ok_or(StartError::Malformed("PBX_PORTEUR, the payer's e-mail address,"))?;
    let mut fields = Fields::new();
    fields.add("PBX_SITE", &*paybox.site)?;
    fields.add("PBX_RANG", &*paybox.rank)?;
    fields.add("PBX_IDENTIFIANT", &*paybox.identifier)?;
    fields.add("PBX_TOTAL", format!("{:03}", checkout.amount.minor()))?;
    fields.add("PBX_DEVISE", format!("{:03}", paybox.currency.number()))?;
    fields.add("PBX_CMD", checkout.order.as_str())?;
    fields.add("PBX_PORTEUR", email)?;
    fields.add("PBX_RETOUR", ASKED_BACK)?;
    for name in ["PBX_EFFECTUE", "PBX_REFUSE", "PBX_ANNULE", "PBX_ATTENTE"] {
        fields.add(name, start.back)?;
    }
    if !paybox.is_hidden {
        fields.add("PBX_REPONDRE_A", start.notify)?;
    }
    if paybox.notices_by_post {
        fields.add("PBX_RUF1", "POST")?;
    }
    if let Some(language) = checkout.language.as_deref().and_then(language) {
        fields.add("PBX_LANGUE", language)?;
    }
    fields.add("PBX_SOURCE", "RWD")?;
    fields.add_xml("PBX_SHOPPINGCART", shopping_cart(checkout.quantity)?)?;
    if let Some(billing) = &checkout.billing {
        fields.add_xml("PBX_BILLING", billing_xml(billing)?)?;
    }
    fields.add("PBX_HASH", paybox.hash.as_str())?;
    fields.add("PBX_TIME", iso_8601(start.now))?;
    Ok(fields)
}

/// For 3-D Secure 2.
fn shopping_cart(quantity: u8) -> Result<String, StartError> {
    if !(1..=99).contains(&quantity) {
        return Err(StartError::Malformed("PBX_SHOPPINGCART, which is of 1 to 99 things,"));
    }
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><shoppingcart><total><totalQuantity>{quantity}\
         </totalQuantity></total></shoppingcart>"
    ))
}

/// For 3-D Secure 2.
fn billing_xml(billing: &Billing) -> Result<String, StartError> {
    let mut xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Billing><Address>".to_owned();
    let mut element = |name: &str, value: &str, most: usize| {
        let value = value.trim();
        if value.is_empty() || value.chars().any(char::is_control) {
            return Err(StartError::Malformed("PBX_BILLING"));
        }
        let _ = write!(xml, "<{name}>"); // a string takes all that is written to it
        for char in value.chars().take(most) {
            match char {
                '&' => xml.push_str("&amp;"),
                '<' => xml.push_str("&lt;"),
                '>' => xml.push_str("&gt;"),
                '"' => xml.push_str("&quot;"),
                '\'' => xml.push_str("&apos;"),
                char => xml.push(char),
            }
        }
        let _ = write!(xml, "</{name}>");
        Ok(())
    };
    element("FirstName", &billing.first_name, 30)?;
    element("LastName", &billing.last_name, 30)?;
    element("Address1", &billing.street, 50)?;
    if let Some(more) = billing.more.as_deref().filter(|more| !more.trim().is_empty()) {
        element("Address2", more, 50)?;
    }
    element("ZipCode", &billing.postal_code, 16)?;
    element("City", &billing.city, 50)?;
    if !(1..=999).contains(&billing.country) {
        return Err(StartError::Malformed("PBX_BILLING, whose country is its ISO 3166 number,"));
    }
    element("CountryCode", &format!("{:03}", billing.country), 3)?;
    xml.push_str("</Address></Billing>");
    Ok(xml)
}

/// Paybox's own codes, of three letters. What it does not speak it shows as the account is set up.
fn language(code: &str) -> Option<&'static str> {
    Some(match code {
        "fr" => "FRA",
        "en" => "GBR",
        "es" => "ESP",
        "it" => "ITA",
        "de" => "DEU",
        "nl" => "NLD",
        "sv" => "SWE",
        "pt" => "PRT",
        _ => return None,
    })
}

/// One address, without what could be a list, a name beside it, or nothing that one sees.
fn is_email(text: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || "!#$%'*+-/=?^_`{|}~.".contains(char);
    let sides = text.split_once('@');
    (6..=120).contains(&text.len())
        && sides.is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && name.chars().chain(host.chars()).all(is_plain)
        })
}

/// Ten digits.
const MOST: u64 = 9_999_999_999;
