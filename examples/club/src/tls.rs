//! https, with a certificate that the club makes for this machine.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use time::OffsetDateTime;

use crate::secrets;

/// TLS 1.2 and 1.3. Where there is no certificate in the folder, or one that is soon over, one is made.
pub(crate) fn server(data: &Path, host: &str) -> Result<ServerConfig, Box<dyn Error>> {
    let (certificate, key) = (data.join("certificate.pem"), data.join("certificate-key.pem"));
    let made = fs::metadata(&certificate).and_then(|file| file.modified());
    let is_fresh =
        made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age < Duration::from_secs(DAY * 60)));
    if !is_fresh {
        make(data, host)?;
    }
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    Ok(config)
}

/// A client that knows this certificate.
pub(crate) fn client(data: &Path) -> Result<ClientConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data.join("ca.pem"))?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// An authority for one certificate. Its key is thrown away, so whoever has a browser trust it trusts it for this
/// certificate and nothing else, ever.
fn make(data: &Path, host: &str) -> Result<(), Box<dyn Error>> {
    let now = OffsetDateTime::now_utc();
    let (from, until) = (now - time::Duration::hours(1), now + time::Duration::days(90));

    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "The club's own authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (authority.not_before, authority.not_after) = (from, until);
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?;

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, host);
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    (server.not_before, server.not_after) = (from, until);
    let server_key = KeyPair::generate()?;
    let certificate = server.signed_by(&server_key, &Issuer::new(authority, authority_key))?;

    fs::write(data.join("ca.pem"), ca.pem())?;
    secrets::write(&data.join("certificate-key.pem"), server_key.serialize_pem().as_bytes())?;
    fs::write(data.join("certificate.pem"), certificate.pem())?;
    Ok(())
}

const DAY: u64 = 24 * 3600;
