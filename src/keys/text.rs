//! Keys written as text.

use std::ffi::OsString;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::{ConfigError, Key, KeySet};

/// Keys in base64, separated by commas, the newest first: that is the active one. Each other has the
/// date until which it is accepted: `key,key@2027-01-31T00:00:00Z`. White space around a key or a
/// date is ignored.
///
/// ```
/// use donjon::keys::{ConfigError, KeyRing, KeySet};
///
/// let keys: KeySet = "XmNyZFw7mPQAmFBJj3zGnEQDnyTzmxTQNTUoGiZVjOM=,
///     L9ZTX/8AX58p8J4yYcUavChXzSDZ6sbOhCRLLIshbDE=@2027-01-31T00:00:00Z"
///     .parse()?;
/// assert!(KeyRing::new(keys).is_ok());
/// # Ok::<_, ConfigError>(())
/// ```
impl FromStr for KeySet {
    type Err = ConfigError;

    fn from_str(list: &str) -> Result<Self, ConfigError> {
        let mut entries = list.split(',').zip(1..);
        let (first, _) = entries.next().unwrap_or_default();
        let mut keys = active(first).map(Self::new).map_err(|error| in_list(1, error))?;
        for (entry, position) in entries {
            keys = older(keys, entry).map_err(|error| in_list(position, error))?;
        }
        Ok(keys)
    }
}

fn active(entry: &str) -> Result<Key, ConfigError> {
    if entry.contains('@') { Err(ConfigError::ActiveUntil) } else { Key::from_base64(entry) }
}

fn older(keys: KeySet, entry: &str) -> Result<KeySet, ConfigError> {
    let (key, date) = entry.split_once('@').ok_or(ConfigError::NoDate)?;
    let until = humantime::parse_rfc3339(date.trim_ascii()).map_err(|_| ConfigError::Date)?;
    Ok(keys.accept(Key::from_base64(key)?, until))
}

fn in_list(position: usize, error: ConfigError) -> ConfigError {
    ConfigError::InList { position, error: Box::new(error) }
}

/// The keys in an environment variable of this name and value.
pub(super) fn keys_in(name: &str, value: Option<OsString>) -> Result<KeySet, ConfigError> {
    let value = value.unwrap_or_default().into_string();
    let value = value.map_err(|_| ConfigError::NotUnicode { name: name.to_owned() })?;
    let value = Zeroizing::new(value);
    if value.trim_ascii().is_empty() {
        return Err(ConfigError::NoVariable { name: name.to_owned() });
    }
    value.parse()
}

pub(super) fn from_base64(text: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let text = text.trim_ascii();
    let engine = if text.contains(['-', '_']) { &URL } else { &STANDARD };
    // Of full size from the start: what grows leaves copies behind.
    let mut secret = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let len = engine.decode_slice(text, &mut secret).map_err(|_| ConfigError::NotBase64)?;
    secret.truncate(len);
    Ok(secret)
}

pub(super) fn from_hex(text: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let (pairs, rest) = text.trim_ascii().as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ConfigError::NotHex);
    }
    let mut secret = Zeroizing::new(vec![0; pairs.len()]);
    for (byte, [high, low]) in secret.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(secret)
}

fn digit(letter: u8) -> Result<u8, ConfigError> {
    match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        b'A'..=b'F' => Ok(letter - b'A' + 10),
        _ => Err(ConfigError::NotHex),
    }
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
