//! Roles and permissions as enums of the app's own, and what follows from them, worked out by the compiler.

/// An enum of permissions: made by [`permissions!`](macro@crate::permissions).
pub trait Permission: Copy + Send + Sync + 'static {
    /// The names, in the order of the enum.
    const NAMES: &'static [&'static str];

    /// Which one it is, from 0.
    fn index(self) -> u8;

    /// Its name.
    fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.index())]
    }
}

/// An enum of roles: made by [`roles!`](macro@crate::roles).
pub trait Role: Copy + Send + Sync + 'static {
    /// What roles are granted.
    type Permission: Permission;

    /// The names, in the order of the enum.
    const NAMES: &'static [&'static str];

    /// For each role, the roles directly below it.
    const DIRECT: &'static [u64];

    /// For each role, what it is granted beside what those below it are.
    const OWN: &'static [u128];

    /// For each role, itself and all roles below it.
    const BELOW: &'static [u64];

    /// For each role, what it and all roles below it are granted.
    const GRANTS: &'static [u128];

    /// Which one it is, from 0.
    fn index(self) -> u8;

    /// Its name.
    fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.index())]
    }
}

/// Declares an enum of permissions, at most 128, each with its name: 1 to 64 of `a-z`, `A-Z`, `0-9` and
/// `_ - . : /`.
///
/// ```
/// use donjon::roles::Permission as _;
///
/// donjon::permissions! {
///     /// What there is to be done.
///     pub enum Permission {
///         ReadCourts = "courts:read",
///         Book = "courts:book",
///     }
/// }
/// assert_eq!(Permission::Book.name(), "courts:book");
/// ```
///
/// Two of one name, and a name that is none, do not compile:
///
/// ```compile_fail,E0080
/// donjon::permissions! {
///     enum Permission { Read = "read", Look = "read" }
/// }
/// ```
///
/// ```compile_fail,E0080
/// donjon::permissions! {
///     enum Permission { Read = "re\u{430}d" } // а Cyrillic letter
/// }
/// ```
#[macro_export]
macro_rules! permissions {
    (
        $(#[$outer:meta])*
        $visibility:vis enum $enum:ident {
            $($(#[$inner:meta])* $variant:ident = $name:literal),+ $(,)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        $visibility enum $enum {
            $($(#[$inner])* $variant),+
        }

        impl $crate::roles::Permission for $enum {
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn index(self) -> u8 {
                self as u8
            }
        }

        const _: () = $crate::roles::check::names(<$enum as $crate::roles::Permission>::NAMES, 128);
        // A variant that is not always there would leave its name to the next one.
        const _: &[$enum] = &[$($enum::$variant),+];
    };
}

/// Declares an enum of roles, at most 64, with the roles below each and what it is granted beside what
/// those are.
///
/// ```
/// use donjon::roles::Role as _;
///
/// donjon::permissions! {
///     pub enum Permission { ReadCourts = "courts:read", Book = "courts:book", Unlock = "users:unlock" }
/// }
/// donjon::roles! {
///     /// Who there is.
///     pub enum Role grants Permission {
///         Visitor = "visitor" => [ReadCourts],
///         Member = "member": Visitor => [Book],
///         Auditor = "auditor": Visitor => [],
///         Admin = "admin": Member, Auditor => [Unlock],
///     }
/// }
/// assert_eq!(Role::Admin.name(), "admin");
/// assert_eq!(Role::GRANTS[Role::Admin as usize], 0b111);
/// assert_eq!(Role::GRANTS[Role::Auditor as usize], 0b001, "no role has what another one beside it has");
/// ```
///
/// A role that is below itself, however far down, does not compile:
///
/// ```compile_fail,E0080
/// donjon::permissions! { enum Permission { Read = "read" } }
/// donjon::roles! {
///     enum Role grants Permission {
///         Member = "member": Admin => [Read],
///         Coach = "coach": Member => [],
///         Admin = "admin": Coach => [],
///     }
/// }
/// ```
///
/// ```compile_fail,E0080
/// donjon::permissions! { enum Permission { Read = "read" } }
/// donjon::roles! {
///     enum Role grants Permission { Member = "member": Member => [Read] }
/// }
/// ```
///
/// Nor does one that is there only sometimes: it would leave its grants to the next one.
///
/// ```compile_fail,E0599
/// donjon::permissions! { enum Permission { Read = "read", Wipe = "wipe" } }
/// donjon::roles! {
///     enum Role grants Permission {
///         #[cfg(any())]
///         Root = "root" => [Read, Wipe],
///         Guest = "guest" => [Read],
///     }
/// }
/// ```
#[macro_export]
macro_rules! roles {
    (
        $(#[$outer:meta])*
        $visibility:vis enum $enum:ident grants $permission:ident {
            $(
                $(#[$inner:meta])*
                $variant:ident = $name:literal $(: $($below:ident),+)? => [$($granted:ident),* $(,)?]
            ),+ $(,)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        $visibility enum $enum {
            $($(#[$inner])* $variant),+
        }

        impl $crate::roles::Role for $enum {
            type Permission = $permission;

            const NAMES: &'static [&'static str] = &[$($name),+];

            const DIRECT: &'static [u64] = &[$(0 $($(| 1 << $enum::$below as u8)+)?),+];

            const OWN: &'static [u128] = &[$(0 $(| 1 << $permission::$granted as u8)*),+];

            const BELOW: &'static [u64] = &$crate::roles::check::below([
                $(0 $($(| 1 << $enum::$below as u8)+)?),+
            ]);

            const GRANTS: &'static [u128] = &$crate::roles::check::grants(
                $crate::roles::check::below([$(0 $($(| 1 << $enum::$below as u8)+)?),+]),
                [$(0 $(| 1 << $permission::$granted as u8)*),+],
            );

            fn index(self) -> u8 {
                self as u8
            }
        }

        const _: () = {
            $crate::roles::check::names(<$enum as $crate::roles::Role>::NAMES, 64);
            assert!(<$enum as $crate::roles::Role>::BELOW.len() <= 64);
            assert!(<$enum as $crate::roles::Role>::GRANTS.len() <= 64);
        };
        // A variant that is not always there would leave its name and its grants to the next one.
        const _: &[$enum] = &[$($enum::$variant),+];
    };
}

/// What the macros have the compiler work out. A panic in it is an error of the compiler.
#[doc(hidden)]
pub mod check {
    /// Panics if a name is none, or there twice.
    pub const fn names(names: &[&str], most: usize) {
        assert!(names.len() <= most, "there are too many: 64 roles, 128 permissions");
        let mut at = 0;
        while at < names.len() {
            assert!(is_name(names[at]), "a name is 1 to 64 of a-z, A-Z, 0-9 and _ - . : /");
            let mut other = 0;
            while other < at {
                assert!(
                    !equal(names[at].as_bytes(), names[other].as_bytes()),
                    "a name is there twice"
                );
                other += 1;
            }
            at += 1;
        }
    }

    /// Whether it can be the name of a role or a permission.
    #[must_use]
    pub const fn is_name(name: &str) -> bool {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > 64 {
            return false;
        }
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_alphanumeric()
                && !matches!(bytes[at], b'_' | b'-' | b'.' | b':' | b'/')
            {
                return false;
            }
            at += 1;
        }
        true
    }

    const fn equal(one: &[u8], other: &[u8]) -> bool {
        if one.len() != other.len() {
            return false;
        }
        let mut at = 0;
        while at < one.len() {
            if one[at] != other[at] {
                return false;
            }
            at += 1;
        }
        true
    }

    /// For each role, itself and all below it, from those directly below it. Panics if one is below
    /// itself.
    #[must_use]
    pub const fn below<const N: usize>(direct: [u64; N]) -> [u64; N] {
        let mut all = direct;
        assert!(close(&mut all).is_none(), "a role is below itself");
        all
    }

    /// Adds to each role itself and all that are below those below it. Answers one that is below itself.
    pub const fn close(all: &mut [u64]) -> Option<usize> {
        // After as many rounds as there are roles, whatever can be reached has been.
        let mut round = 0;
        while round < all.len() {
            let mut role = 0;
            while role < all.len() {
                let mut other = 0;
                while other < all.len() {
                    if all[role] & (1 << other) != 0 {
                        all[role] |= all[other];
                    }
                    other += 1;
                }
                role += 1;
            }
            round += 1;
        }
        let mut circular = None;
        let mut role = 0;
        while role < all.len() {
            if all[role] & (1 << role) != 0 {
                circular = Some(role);
            }
            all[role] |= 1 << role;
            role += 1;
        }
        circular
    }

    /// For each role, what it and all below it are granted.
    #[must_use]
    pub const fn grants<const N: usize>(below: [u64; N], own: [u128; N]) -> [u128; N] {
        let mut all = own;
        let mut role = 0;
        while role < N {
            let mut other = 0;
            while other < N {
                if below[role] & (1 << other) != 0 {
                    all[role] |= own[other];
                }
                other += 1;
            }
            role += 1;
        }
        all
    }
}
