//! Roles and permissions: deny by default, need to know, least privilege.
//!
//! **The attack.** A route that somebody added on a Friday, and that nobody guards. A check of the role
//! `admin` that forgets that an owner is above it, or lets an `Admin` in that an identity provider sends. An
//! address that is compared as it was typed, so that `/%61dmin` is another one. A table of users that does
//! not answer, and a guard that takes that for "no", or for "yes". A colleague who left last month, and
//! whose session is good for another eleven hours.
//!
//! **The rule.** OWASP [ASVS 5.0], 8.1 to 8.4 (authorization is decided on the server, denied by default, by
//! the least privilege, and logged); NIST SP 800-53 AC-3 and AC-6; PCI DSS 4.0.1, 7.2 (need to know) and
//! 7.3.3 (deny all).
//!
//! - [`permissions!`](crate::permissions) and [`roles!`](crate::roles!) declare the app's own enums. A role
//!   that is below itself does **not compile**; what a role is granted by those below it is worked out by
//!   the compiler, so no check can forget it.
//! - A [`Principal`] is somebody who has shown who he is. Only [`Authenticate`] makes one, of what the
//!   app's [`Identify`] tells. Names from elsewhere are exact bytes; what is unknown grants nothing.
//! - A [`Rule`] is put together of roles, permissions, [freshness](Rule::fresh), a second factor, networks
//!   and times, by `&`, `|` and `!`. What cannot be known lets nobody in, under `!` as well.
//! - [`Require`] is the guard: the same value for axum and actix-web, around a route, a scope or a whole app.
//!   It decides before the body is read and before any extractor runs, without an allocation or a lock, and
//!   by the route it stands around rather than by a path that can be spelled in many ways.
//! - [`Seal`] guards a whole app by a table, and denies what is not in it; the routers in
//!   [`adapters::guarded`](crate::adapters::guarded) cannot hold a route without a rule. Both have a
//!   [`Manifest`]: each role at each route, for a test and for an auditor.
//! - [`Grants`] can be read from a file, and replaced while requests run.
//! - Three states, not two: that nobody has looked who is asking is a mistake of the set-up, and 500, never
//!   taken for "nobody".
//!
//! [*Who may do what*](who_may_do_what) leads from three roles to a policy file.
//!
//! What it does not do: it keeps no users, and knows no relations between objects but
//! [`owns`](Principal::owns). An engine such as Casbin or Cedar is asked in the handler, or in
//! [`Identify`].
//!
//! # Deployment caveats
//!
//! [`Rule::network`] believes an address only with proof, so [`TrustedProxies`](crate::client::TrustedProxies) goes
//! before the guards, also where there is no proxy: without it such a rule lets nobody in. Times and freshness are
//! those of the server's clock. What a session or a token says of roles is as old as that is: see
//! [*Who is asking*](who_may_do_what#who-is-asking).
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use donjon::head::{Name, RequestHead};
//! use donjon::middleware::Stack;
//! use donjon::roles::{Authenticate, Identify, Identity, Require, permission};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! donjon::permissions! {
//!     pub enum Permission { ReadCourts = "courts:read", Book = "courts:book", Unlock = "users:unlock" }
//! }
//! donjon::roles! {
//!     pub enum Role grants Permission {
//!         Visitor = "visitor" => [ReadCourts],
//!         Member = "member": Visitor => [Book],
//!         Admin = "admin": Member => [Unlock],
//!     }
//! }
//!
//! /// In earnest of a session: `Session::of(request)`.
//! #[derive(Clone)]
//! struct ByHeader;
//!
//! impl Identify for ByHeader {
//!     type Role = Role;
//!     type Error = Infallible;
//!
//!     fn identify<R: RequestHead>(&self, request: &R) -> Result<Option<Identity<Role>>, Infallible> {
//!         static ROLE: Name = Name::from_static("x-role");
//!         let role = request.header(&ROLE).next().and_then(|role| std::str::from_utf8(role).ok());
//!         Ok(role.map(|role| Identity::new("4711").role_names([role])))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let unlock = ServiceBuilder::new()
//!     .layer(Stack::new((Authenticate::new(ByHeader), Require::new(permission(Permission::Unlock)))))
//!     .service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new("unlocked".into())) });
//!
//! for (role, status) in [("admin", 200), ("member", 403), ("Admin", 403)] {
//!     let request = Request::builder().header("x-role", role).body(())?;
//!     let response: Response<axum::body::Body> = unlock.clone().oneshot(request).await?;
//!     assert_eq!(response.status(), status, "{role}");
//! }
//! let response = unlock.oneshot(Request::new(())).await?;
//! assert_eq!((response.status().as_u16(), &response.headers()["www-authenticate"]), (401, &"Bearer".parse()?));
//! # Ok(())
//! # }
//! ```
//!
//! [ASVS 5.0]: https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x17-V8-Authorization.md

pub(crate) use self::authenticate::Known;
pub use self::authenticate::{Authenticate, AuthenticateLater, Identify, IdentifyLater};
#[doc(hidden)]
pub use self::declare::check;
pub use self::declare::{Permission, Role};
pub use self::grants::{Grants, GrantsInUse};
pub use self::guard::Require;
pub use self::manifest::{Manifest, ManifestEntry, Matrix};
pub use self::need::{Need, Needs};
pub use self::principal::{Identity, Principal};
pub use self::rule::{Rule, any_role, permission, role};
pub use self::seal::Seal;
pub use self::sign_in::{ConfigError, return_path};
pub use self::why::Why;

/// More than there is room for does not compile; as many as there is room for do.
///
/// ```compile_fail,E0080
/// donjon::permissions! { enum Permission { P0 = "p0", P1 = "p1", P2 = "p2", P3 = "p3", P4 = "p4", P5 = "p5", P6 = "p6", P7 = "p7", P8 = "p8", P9 = "p9", P10 = "p10", P11 = "p11", P12 = "p12", P13 = "p13", P14 = "p14", P15 = "p15", P16 = "p16", P17 = "p17", P18 = "p18", P19 = "p19", P20 = "p20", P21 = "p21", P22 = "p22", P23 = "p23", P24 = "p24", P25 = "p25", P26 = "p26", P27 = "p27", P28 = "p28", P29 = "p29", P30 = "p30", P31 = "p31", P32 = "p32", P33 = "p33", P34 = "p34", P35 = "p35", P36 = "p36", P37 = "p37", P38 = "p38", P39 = "p39", P40 = "p40", P41 = "p41", P42 = "p42", P43 = "p43", P44 = "p44", P45 = "p45", P46 = "p46", P47 = "p47", P48 = "p48", P49 = "p49", P50 = "p50", P51 = "p51", P52 = "p52", P53 = "p53", P54 = "p54", P55 = "p55", P56 = "p56", P57 = "p57", P58 = "p58", P59 = "p59", P60 = "p60", P61 = "p61", P62 = "p62", P63 = "p63", P64 = "p64", P65 = "p65", P66 = "p66", P67 = "p67", P68 = "p68", P69 = "p69", P70 = "p70", P71 = "p71", P72 = "p72", P73 = "p73", P74 = "p74", P75 = "p75", P76 = "p76", P77 = "p77", P78 = "p78", P79 = "p79", P80 = "p80", P81 = "p81", P82 = "p82", P83 = "p83", P84 = "p84", P85 = "p85", P86 = "p86", P87 = "p87", P88 = "p88", P89 = "p89", P90 = "p90", P91 = "p91", P92 = "p92", P93 = "p93", P94 = "p94", P95 = "p95", P96 = "p96", P97 = "p97", P98 = "p98", P99 = "p99", P100 = "p100", P101 = "p101", P102 = "p102", P103 = "p103", P104 = "p104", P105 = "p105", P106 = "p106", P107 = "p107", P108 = "p108", P109 = "p109", P110 = "p110", P111 = "p111", P112 = "p112", P113 = "p113", P114 = "p114", P115 = "p115", P116 = "p116", P117 = "p117", P118 = "p118", P119 = "p119", P120 = "p120", P121 = "p121", P122 = "p122", P123 = "p123", P124 = "p124", P125 = "p125", P126 = "p126", P127 = "p127", P128 = "p128" } }
/// ```
///
/// ```
/// donjon::permissions! { enum Permission { P0 = "p0", P1 = "p1", P2 = "p2", P3 = "p3", P4 = "p4", P5 = "p5", P6 = "p6", P7 = "p7", P8 = "p8", P9 = "p9", P10 = "p10", P11 = "p11", P12 = "p12", P13 = "p13", P14 = "p14", P15 = "p15", P16 = "p16", P17 = "p17", P18 = "p18", P19 = "p19", P20 = "p20", P21 = "p21", P22 = "p22", P23 = "p23", P24 = "p24", P25 = "p25", P26 = "p26", P27 = "p27", P28 = "p28", P29 = "p29", P30 = "p30", P31 = "p31", P32 = "p32", P33 = "p33", P34 = "p34", P35 = "p35", P36 = "p36", P37 = "p37", P38 = "p38", P39 = "p39", P40 = "p40", P41 = "p41", P42 = "p42", P43 = "p43", P44 = "p44", P45 = "p45", P46 = "p46", P47 = "p47", P48 = "p48", P49 = "p49", P50 = "p50", P51 = "p51", P52 = "p52", P53 = "p53", P54 = "p54", P55 = "p55", P56 = "p56", P57 = "p57", P58 = "p58", P59 = "p59", P60 = "p60", P61 = "p61", P62 = "p62", P63 = "p63", P64 = "p64", P65 = "p65", P66 = "p66", P67 = "p67", P68 = "p68", P69 = "p69", P70 = "p70", P71 = "p71", P72 = "p72", P73 = "p73", P74 = "p74", P75 = "p75", P76 = "p76", P77 = "p77", P78 = "p78", P79 = "p79", P80 = "p80", P81 = "p81", P82 = "p82", P83 = "p83", P84 = "p84", P85 = "p85", P86 = "p86", P87 = "p87", P88 = "p88", P89 = "p89", P90 = "p90", P91 = "p91", P92 = "p92", P93 = "p93", P94 = "p94", P95 = "p95", P96 = "p96", P97 = "p97", P98 = "p98", P99 = "p99", P100 = "p100", P101 = "p101", P102 = "p102", P103 = "p103", P104 = "p104", P105 = "p105", P106 = "p106", P107 = "p107", P108 = "p108", P109 = "p109", P110 = "p110", P111 = "p111", P112 = "p112", P113 = "p113", P114 = "p114", P115 = "p115", P116 = "p116", P117 = "p117", P118 = "p118", P119 = "p119", P120 = "p120", P121 = "p121", P122 = "p122", P123 = "p123", P124 = "p124", P125 = "p125", P126 = "p126", P127 = "p127" } }
/// ```
///
/// ```compile_fail,E0080
/// donjon::permissions! { enum Permission { Read = "read" } }
/// donjon::roles! { enum Role grants Permission { R0 = "r0" => [], R1 = "r1" => [], R2 = "r2" => [], R3 = "r3" => [], R4 = "r4" => [], R5 = "r5" => [], R6 = "r6" => [], R7 = "r7" => [], R8 = "r8" => [], R9 = "r9" => [], R10 = "r10" => [], R11 = "r11" => [], R12 = "r12" => [], R13 = "r13" => [], R14 = "r14" => [], R15 = "r15" => [], R16 = "r16" => [], R17 = "r17" => [], R18 = "r18" => [], R19 = "r19" => [], R20 = "r20" => [], R21 = "r21" => [], R22 = "r22" => [], R23 = "r23" => [], R24 = "r24" => [], R25 = "r25" => [], R26 = "r26" => [], R27 = "r27" => [], R28 = "r28" => [], R29 = "r29" => [], R30 = "r30" => [], R31 = "r31" => [], R32 = "r32" => [], R33 = "r33" => [], R34 = "r34" => [], R35 = "r35" => [], R36 = "r36" => [], R37 = "r37" => [], R38 = "r38" => [], R39 = "r39" => [], R40 = "r40" => [], R41 = "r41" => [], R42 = "r42" => [], R43 = "r43" => [], R44 = "r44" => [], R45 = "r45" => [], R46 = "r46" => [], R47 = "r47" => [], R48 = "r48" => [], R49 = "r49" => [], R50 = "r50" => [], R51 = "r51" => [], R52 = "r52" => [], R53 = "r53" => [], R54 = "r54" => [], R55 = "r55" => [], R56 = "r56" => [], R57 = "r57" => [], R58 = "r58" => [], R59 = "r59" => [], R60 = "r60" => [], R61 = "r61" => [], R62 = "r62" => [], R63 = "r63" => [], R64 = "r64" => [] } }
/// ```
///
/// ```
/// donjon::permissions! { enum Permission { Read = "read" } }
/// donjon::roles! { enum Role grants Permission { R0 = "r0" => [], R1 = "r1" => [], R2 = "r2" => [], R3 = "r3" => [], R4 = "r4" => [], R5 = "r5" => [], R6 = "r6" => [], R7 = "r7" => [], R8 = "r8" => [], R9 = "r9" => [], R10 = "r10" => [], R11 = "r11" => [], R12 = "r12" => [], R13 = "r13" => [], R14 = "r14" => [], R15 = "r15" => [], R16 = "r16" => [], R17 = "r17" => [], R18 = "r18" => [], R19 = "r19" => [], R20 = "r20" => [], R21 = "r21" => [], R22 = "r22" => [], R23 = "r23" => [], R24 = "r24" => [], R25 = "r25" => [], R26 = "r26" => [], R27 = "r27" => [], R28 = "r28" => [], R29 = "r29" => [], R30 = "r30" => [], R31 = "r31" => [], R32 = "r32" => [], R33 = "r33" => [], R34 = "r34" => [], R35 = "r35" => [], R36 = "r36" => [], R37 = "r37" => [], R38 = "r38" => [], R39 = "r39" => [], R40 = "r40" => [], R41 = "r41" => [], R42 = "r42" => [], R43 = "r43" => [], R44 = "r44" => [], R45 = "r45" => [], R46 = "r46" => [], R47 = "r47" => [], R48 = "r48" => [], R49 = "r49" => [], R50 = "r50" => [], R51 = "r51" => [], R52 = "r52" => [], R53 = "r53" => [], R54 = "r54" => [], R55 = "r55" => [], R56 = "r56" => [], R57 = "r57" => [], R58 = "r58" => [], R59 = "r59" => [], R60 = "r60" => [], R61 = "r61" => [], R62 = "r62" => [], R63 = "r63" => [] } }
/// ```
#[cfg(doctest)]
mod too_many {}

mod authenticate;
mod declare;
mod display;
mod grants;
mod guard;
mod held;
mod manifest;
mod need;
mod principal;
mod rule;
mod seal;
mod sign_in;
#[cfg(test)]
mod tests;
#[cfg(doc)]
#[doc = include_str!("who_may_do_what.md")]
pub mod who_may_do_what {}
mod verdict;
mod why;
