//! The features that a `Permissions-Policy` can speak of.
//!
//! The list is that of MDN's browser compatibility data 8.1.9 (November 2026); a test compares the
//! two. [`permissions_policy`](super::permissions_policy) tells what the lists are for.

use std::borrow::Cow;
use std::fmt;

use super::permissions_policy::refusal;
use super::{ConfigError, grammar};

/// Something that a page can ask a browser for, by its name in a `Permissions-Policy`.
///
/// ```
/// use donjon::headers::permissions_policy::Feature;
///
/// assert_eq!(Feature::CAMERA.name(), "camera");
/// assert_eq!(Feature::custom("sync-xhr")?.name(), "sync-xhr");
///
/// let error = Feature::custom("window-placement").unwrap_err();
/// assert!(error.to_string().contains("window-management"));
/// # Ok::<_, donjon::headers::ConfigError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Feature(Cow<'static, str>);

impl Feature {
    /// A feature that is not in the list. Browsers complain on the console of names they do not
    /// know.
    ///
    /// Names that browsers have given up are refused, and the error tells what has become of them.
    pub fn custom(name: &str) -> Result<Self, ConfigError> {
        if let Some((_, mend)) = RETIRED.iter().find(|(retired, _)| *retired == name) {
            return Err(refusal(name, mend));
        }
        if !grammar::is_key(name) || name.starts_with('*') {
            return Err(refusal(name, "the name of a feature is lower-case letters, digits and -"));
        }
        Ok(Self(Cow::Owned(name.to_owned())))
    }

    /// The name as it is sent.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What Chrome, the one browser with the header, makes of a feature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Status {
    Live,
    /// Behind a flag.
    Experimental,
}

/// Generates a constant for each feature, and the list of them all.
macro_rules! registry {
    ($($status:ident $feature:ident = $name:literal $doc:literal,)+) => {
        impl Feature {
            $(#[doc = concat!("`", $name, "`: ", $doc)]
            pub const $feature: Self = Self(Cow::Borrowed($name));)+
        }

        /// Every feature, in the order of the alphabet.
        pub(super) const REGISTRY: &[(Feature, Status)] =
            &[$((Feature::$feature, Status::$status)),+];
    };
}

registry! {
    Live ACCELEROMETER = "accelerometer" "how the device is moved.",
    Experimental AMBIENT_LIGHT_SENSOR = "ambient-light-sensor" "how bright the room is; behind a flag.",
    Live ARIA_NOTIFY = "aria-notify" "announcements by screen readers.",
    Live AUTOPLAY = "autoplay" "sound and video that start by themselves.",
    Live BLUETOOTH = "bluetooth" "devices near by; Chrome on Linux does not know it.",
    Live CAMERA = "camera" "the camera.",
    Live CAPTURED_SURFACE_CONTROL = "captured-surface-control" "scrolling and zooming of a shared tab.",
    Live CH_UA_HIGH_ENTROPY_VALUES = "ch-ua-high-entropy-values" "the exact browser and device.",
    Live CLIPBOARD_READ = "clipboard-read" "reading the clipboard.",
    Live CLIPBOARD_WRITE = "clipboard-write" "writing the clipboard.",
    Live COMPUTE_PRESSURE = "compute-pressure" "how busy the processor is.",
    Live CROSS_ORIGIN_ISOLATED = "cross-origin-isolated" "shared memory and precise timers.",
    Live DEFERRED_FETCH = "deferred-fetch" "requests sent when the page is left.",
    Live DEFERRED_FETCH_MINIMAL = "deferred-fetch-minimal" "the same for frames, with less room.",
    Live DISPLAY_CAPTURE = "display-capture" "the content of the screen.",
    Live ENCRYPTED_MEDIA = "encrypted-media" "video with digital rights management.",
    Live FULLSCREEN = "fullscreen" "the whole screen for the page.",
    Live GAMEPAD = "gamepad" "game controllers.",
    Live GEOLOCATION = "geolocation" "where the user is.",
    Live GYROSCOPE = "gyroscope" "how the device is turned.",
    Live HID = "hid" "input devices of any kind.",
    Live IDENTITY_CREDENTIALS_GET = "identity-credentials-get" "signing in by an identity provider.",
    Live IDLE_DETECTION = "idle-detection" "whether the user is there.",
    Live LANGUAGE_MODEL = "language-model" "the browser's own language model.",
    Live LOCAL_FONTS = "local-fonts" "the installed fonts.",
    Live LOCAL_NETWORK = "local-network" "addresses of the local network.",
    Live LOCAL_NETWORK_ACCESS = "local-network-access" "addresses of the local network and the device.",
    Live LOOPBACK_NETWORK = "loopback-network" "servers on the device itself.",
    Experimental MAGNETOMETER = "magnetometer" "the magnetic field; behind a flag.",
    Live MICROPHONE = "microphone" "the microphone.",
    Live MIDI = "midi" "musical instruments.",
    Live ON_DEVICE_SPEECH_RECOGNITION = "on-device-speech-recognition" "turning speech into text on the device.",
    Live OTP_CREDENTIALS = "otp-credentials" "one-time codes out of text messages.",
    Live PAYMENT = "payment" "the payment dialog.",
    Live PICTURE_IN_PICTURE = "picture-in-picture" "video in a small window on top.",
    Live PRIVATE_STATE_TOKEN_ISSUANCE = "private-state-token-issuance" "tokens that vouch for the user.",
    Live PRIVATE_STATE_TOKEN_REDEMPTION = "private-state-token-redemption" "showing these tokens.",
    Live PUBLICKEY_CREDENTIALS_CREATE = "publickey-credentials-create" "making passkeys.",
    Live PUBLICKEY_CREDENTIALS_GET = "publickey-credentials-get" "signing in by passkey.",
    Live SCREEN_WAKE_LOCK = "screen-wake-lock" "keeping the screen on.",
    Live SERIAL = "serial" "serial ports.",
    Live STORAGE_ACCESS = "storage-access" "cookies for a frame of another site.",
    Live SUMMARIZER = "summarizer" "summaries by the browser's own model.",
    Live UNLOAD = "unload" "handlers that run when the page is left.",
    Live USB = "usb" "USB devices.",
    Experimental WEB_APP_INSTALLATION = "web-app-installation" "installing apps; behind a flag.",
    Live WEB_SHARE = "web-share" "the system's share dialog; Chrome on Linux does not know it.",
    Live WINDOW_MANAGEMENT = "window-management" "all screens, and where windows are on them.",
    Live XR_SPATIAL_TRACKING = "xr-spatial-tracking" "virtual reality.",
}

/// Names that browsers have given up or are giving up, and what to do instead.
const RETIRED: &[(&str, &str)] = &[
    ("attribution-reporting", WITHDRAWN),
    ("browsing-topics", WITHDRAWN),
    ("conversion-measurement", WITHDRAWN),
    ("document-domain", "send Origin-Agent-Cluster: ?1 instead"),
    ("fenced-unpartitioned-storage-read", WITHDRAWN),
    ("interest-cohort", WITHDRAWN),
    ("join-ad-interest-group", WITHDRAWN),
    ("run-ad-auction", WITHDRAWN),
    ("shared-storage", WITHDRAWN),
    ("trust-token-redemption", "it is called private-state-token-redemption now"),
    ("vr", "it is called xr-spatial-tracking now"),
    ("wake-lock", "it is called screen-wake-lock now"),
    ("window-placement", "it is called window-management now"),
];

const WITHDRAWN: &str = "the feature has been withdrawn from browsers; leave it out";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_that_of_the_compatibility_data() {
        let data = include_str!("../../tests/data/permissions_features.txt");
        let (retired, listed): (Vec<_>, Vec<_>) = data
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once(' ').unwrap())
            .partition(|(_, status)| matches!(*status, "deprecated" | "removed"));

        let ours: Vec<_> = REGISTRY
            .iter()
            .map(|(feature, status)| match status {
                Status::Live => (feature.name(), "live"),
                Status::Experimental => (feature.name(), "experimental"),
            })
            .collect();
        assert_eq!(ours, listed);
        for (name, _) in retired {
            assert!(Feature::custom(name).is_err(), "{name}");
        }
    }

    #[test]
    fn custom_takes_names_and_nothing_else() {
        assert_eq!(Feature::custom("camera"), Ok(Feature::CAMERA));
        for name in ["", "*", "Camera", "camera=*", "a,b", "a b", "a\r\nb", "-a", "é", "vr"] {
            assert!(Feature::custom(name).is_err(), "{name:?}");
        }
    }
}
