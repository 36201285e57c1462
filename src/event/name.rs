//! What can happen: the names of events, and how grave they are.

use std::fmt;

/// How grave an event is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_enums, reason = "the vocabulary's levels")]
pub enum Severity {
    /// Worth remembering.
    Info,
    /// Worth a look.
    Warn,
    /// Worth waking somebody.
    Critical,
}

impl Severity {
    /// `INFO`, `WARN` or `CRITICAL`, as the vocabulary writes them.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Generates the list of names: one row gives the name, its severity and when it is used.
macro_rules! names {
    ($($variant:ident = $name:literal $severity:ident $when:literal,)+) => {
        /// The name of an event.
        ///
        /// The names are those of OWASP's [Application Logging Vocabulary], letter for letter, so
        /// that rules written for it find them. Those that begin with `x_` are ours, for what the
        /// vocabulary has no word for.
        ///
        /// ```
        /// use donjon::event::{EventName, Severity};
        ///
        /// assert_eq!(EventName::AuthnLoginFail.as_str(), "authn_login_fail");
        /// assert_eq!(EventName::AuthnLoginFail.severity(), Severity::Warn);
        /// ```
        ///
        /// [Application Logging Vocabulary]:
        ///     https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum EventName {
            $(
                #[doc = concat!($when, "\n\n`", $name, "`, [`", stringify!($severity),
                    "`](Severity::", stringify!($severity), ").")]
                $variant,
            )+
        }

        impl EventName {
            /// Every name.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name as it is logged.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// How grave it is, unless an event says otherwise.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)+
                }
            }

            /// What has happened, in a sentence.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $when,)+
                }
            }
        }
    };
}

names! {
    AuthnLoginSuccess = "authn_login_success" Info "Somebody has logged in.",
    AuthnLoginSuccessAfterFail = "authn_login_successafterfail" Info
        "Somebody has logged in after attempts that failed.",
    AuthnLoginFail = "authn_login_fail" Warn "A login has failed.",
    AuthnLoginFailMax = "authn_login_fail_max" Warn
        "As many logins of one account have failed as are let fail.",
    AuthnLoginLock = "authn_login_lock" Warn "An account is locked.",
    AuthnPasswordChange = "authn_password_change" Info "A password has been changed.",
    AuthnPasswordChangeFail = "authn_password_change_fail" Critical
        "The change of a password has failed.",
    AuthnImpossibleTravel = "authn_impossible_travel" Critical
        "One account is used from two places too far apart for the time between.",
    AuthnTokenCreated = "authn_token_created" Info "A token for a service has been issued.",
    AuthnTokenRevoked = "authn_token_revoked" Info "A token has been revoked.",
    AuthnTokenReuse = "authn_token_reuse" Critical "A token that has been revoked is tried again.",
    AuthnTokenDelete = "authn_token_delete" Warn "A token has been deleted.",
    AuthzFail = "authz_fail" Critical "Somebody has asked for what is not allowed to them.",
    AuthzChange = "authz_change" Warn "What somebody is allowed has been changed.",
    AuthzAdmin = "authz_admin" Warn "An administrator has done something.",
    CryptDecryptFail = "crypt_decrypt_fail" Warn "Something cannot be decrypted.",
    CryptEncryptFail = "crypt_encrypt_fail" Warn "Something cannot be encrypted.",
    ExcessRateLimitExceeded = "excess_rate_limit_exceeded" Warn
        "Somebody asks more often than the limit allows.",
    UploadComplete = "upload_complete" Info "A file has been uploaded.",
    UploadStored = "upload_stored" Info "An uploaded file has been stored.",
    UploadValidation = "upload_validation" Info "An uploaded file has been examined.",
    UploadDelete = "upload_delete" Info "An uploaded file has been deleted.",
    InputValidationFail = "input_validation_fail" Warn "Input is not what was asked for.",
    InputValidationDiscreteFail = "input_validation_discrete_fail" Warn
        "Input is none of the values there were to choose from.",
    MaliciousExcess404 = "malicious_excess_404" Warn
        "One client asks for many things that do not exist.",
    MaliciousExtraneous = "malicious_extraneous" Critical
        "Input holds fields that no form of ours sends.",
    MaliciousAttackTool = "malicious_attack_tool" Critical
        "A client calls itself, or behaves like, a tool for attacks.",
    MaliciousCors = "malicious_cors" Critical "A request comes from an origin that is not allowed.",
    MaliciousDirectReference = "malicious_direct_reference" Critical
        "Somebody tries to reach an object by guessing its reference.",
    PrivilegePermissionsChanged = "privilege_permissions_changed" Warn
        "Who may do what with an object has been changed.",
    SensitiveCreate = "sensitive_create" Warn "Sensitive data has been created.",
    SensitiveRead = "sensitive_read" Warn "Sensitive data has been read.",
    SensitiveUpdate = "sensitive_update" Warn "Sensitive data has been changed.",
    SensitiveDelete = "sensitive_delete" Warn "Sensitive data has been deleted.",
    SequenceFail = "sequence_fail" Critical "Steps are taken out of their order.",
    SessionCreated = "session_created" Info "A session has begun.",
    SessionRenewed = "session_renewed" Info "A session has been prolonged.",
    SessionExpired = "session_expired" Info "A session has ended.",
    SessionUseAfterExpire = "session_use_after_expire" Critical
        "A session that has ended is used again.",
    SysStartup = "sys_startup" Warn "The system starts.",
    SysShutdown = "sys_shutdown" Warn "The system is shut down.",
    SysRestart = "sys_restart" Warn "The system is restarted.",
    SysCrash = "sys_crash" Warn "The system, or a part of it, has crashed.",
    SysMonitorDisabled = "sys_monitor_disabled" Warn "Something that watches has stopped.",
    SysMonitorEnabled = "sys_monitor_enabled" Warn "Something that watches is back.",
    UserCreated = "user_created" Warn "An account has been created.",
    UserUpdated = "user_updated" Warn "An account has been changed.",
    UserArchived = "user_archived" Warn "An account has been archived.",
    UserDeleted = "user_deleted" Warn "An account has been deleted.",
    CardData = "x_card_data" Critical "Card data has come where none may be.",
    ClientAddressUnclear = "x_client_address_unclear" Warn
        "The chain of addresses that a believed proxy sends cannot be read.",
    CookieHardened = "x_cookie_hardened" Info "A cookie that goes out broke a rule.",
    CookieLookalike = "x_cookie_lookalike" Warn
        "A cookie that comes in has a name that may be taken for a protected one's.",
    CookieRefused = "x_cookie_refused" Warn
        "A cookie that comes in is ambiguous, or its seal is broken or old.",
    CspViolation = "x_csp_violation" Warn
        "A browser reports a violation of the Content-Security-Policy.",
    CsrfDenied = "x_csrf_denied" Warn
        "A request was refused, or would be, that another site may have made a browser send.",
    EventsLost = "x_events_lost" Warn "Events were lost, because a queue was full or a sink failed.",
    HostMismatch = "x_host_mismatch" Warn "A request is for a host that is not ours.",
    InsecureCredential = "x_insecure_credential" Critical "A credential has come in the clear.",
    InsecureRequest = "x_insecure_request" Info "A request in the clear was refused.",
    AuthzGranted = "x_authz_granted" Info
        "A rule has let somebody in: one of the many that are recorded.",
    AuthnUnlock = "x_authn_unlock" Info "The lock of an account has ended or was lifted.",
    AuthnSpray = "x_authn_spray" Critical "A few passwords are tried on many accounts.",
    AuthnStuffing = "x_authn_stuffing" Critical "Stolen pairs of names and passwords are tried.",
    PaymentChanged = "x_payment_changed" Info "A gateway has said how far a payment is.",
    PaymentMismatch = "x_payment_mismatch" Critical
        "A gateway speaks of another amount, currency, mode or way than the order.",
    PaymentUnbelieved = "x_payment_unbelieved" Warn
        "A notification of a payment is not the gateway's, or cannot be read.",
    PaymentUnheard = "x_payment_unheard" Critical
        "What a gateway says of a payment could not be written down, and may not come again.",
    PaymentUnknownOrder = "x_payment_unknown_order" Warn
        "A gateway speaks of an order that there is not.",
    ProbeSqli = "x_probe_sqli" Warn "Input looks like an injection of SQL.",
    ProbeXss = "x_probe_xss" Warn "Input looks like an injection of a script.",
    ProbeTraversal = "x_probe_traversal" Warn "Input looks like a way out of a directory.",
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The vocabulary's headings and levels, written down apart from the list above.
    const VOCABULARY: &str = "
        authn_impossible_travel CRITICAL, authn_login_fail WARN, authn_login_fail_max WARN,
        authn_login_lock WARN, authn_login_success INFO, authn_login_successafterfail INFO,
        authn_password_change INFO, authn_password_change_fail CRITICAL, authn_token_created INFO,
        authn_token_delete WARN, authn_token_reuse CRITICAL, authn_token_revoked INFO,
        authz_admin WARN, authz_change WARN, authz_fail CRITICAL,
        crypt_decrypt_fail WARN, crypt_encrypt_fail WARN,
        excess_rate_limit_exceeded WARN,
        input_validation_discrete_fail WARN, input_validation_fail WARN,
        malicious_attack_tool CRITICAL, malicious_cors CRITICAL,
        malicious_direct_reference CRITICAL, malicious_excess_404 WARN,
        malicious_extraneous CRITICAL,
        privilege_permissions_changed WARN,
        sensitive_create WARN, sensitive_delete WARN, sensitive_read WARN, sensitive_update WARN,
        sequence_fail CRITICAL,
        session_created INFO, session_expired INFO, session_renewed INFO,
        session_use_after_expire CRITICAL,
        sys_crash WARN, sys_monitor_disabled WARN, sys_monitor_enabled WARN, sys_restart WARN,
        sys_shutdown WARN, sys_startup WARN,
        upload_complete INFO, upload_delete INFO, upload_stored INFO, upload_validation INFO,
        user_archived WARN, user_created WARN, user_deleted WARN, user_updated WARN";

    #[test]
    fn the_names_are_those_of_the_vocabulary_and_our_extensions() {
        let listed: BTreeSet<_> = VOCABULARY.split(',').map(|row| row.trim().to_owned()).collect();

        let ours: BTreeSet<_> = EventName::ALL
            .iter()
            .filter(|name| !name.as_str().starts_with("x_"))
            .map(|name| format!("{name} {}", name.severity()))
            .collect();

        assert_eq!(ours, listed);
        assert_eq!(listed.len(), 49);
    }

    #[test]
    fn no_name_is_there_twice_and_each_is_one_word_with_a_sentence() {
        let distinct: BTreeSet<_> = EventName::ALL.iter().map(|name| name.as_str()).collect();

        assert_eq!(distinct.len(), EventName::ALL.len());
        for (index, name) in EventName::ALL.iter().enumerate() {
            assert_eq!(index, usize::from(*name as u8));
            let word =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(name.as_str().bytes().all(word), "{name}");
            assert!(name.description().ends_with('.'), "{name}");
        }
    }

    #[test]
    fn severities_are_ordered() {
        assert!(Severity::Info < Severity::Warn && Severity::Warn < Severity::Critical);
    }
}
