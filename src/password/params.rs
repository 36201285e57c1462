//! How much work a password is.

use super::ConfigError;

/// The parameters of Argon2id: how much memory, how many passes over it, in how many lanes.
///
/// ```
/// use donjon::password::{ConfigError, Params};
///
/// let params = Params::new(47_104, 1, 1)?;
/// assert_eq!(params.memory_kib(), 46 * 1024);
///
/// let weak = Params::new(8_192, 2, 1).unwrap_err();
/// assert!(matches!(weak, ConfigError::Weak { memory_kib: 8_192, passes: 2 }));
/// assert!(weak.to_string().contains("19456"), "it says what to choose");
/// # Ok::<_, ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Params {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Params {
    /// What OWASP recommends: 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// What RFC 9106, section 4, recommends where memory is short: 64 MiB, three passes, four lanes.
    pub const RFC9106_LOW_MEMORY: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4 };

    /// So many KiB of memory, passes and lanes: at least as much as some row of OWASP's Password
    /// Storage Cheat Sheet, which all protect alike.
    ///
    /// | memory | passes |
    /// | --- | --- |
    /// | 47104 KiB | 1 |
    /// | 19456 KiB | 2 |
    /// | 12288 KiB | 3 |
    /// | 9216 KiB | 4 |
    /// | 7168 KiB | 5 |
    ///
    /// Lanes are computed one after the other, so that one password is the work of one core: they
    /// cost nothing and gain nothing here.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ConfigError> {
        let reaches = |&(memory, least): &(u32, u32)| memory_kib >= memory && passes >= least;
        if !OWASP_ROWS.iter().any(reaches) {
            return Err(ConfigError::Weak { memory_kib, passes });
        }
        Self::dangerously_weak_for_tests(memory_kib, passes, lanes)
    }

    /// Without the floor: for tests, which verify a hundred passwords in no time with 8 KiB and one
    /// pass. Whoever reads a hash of such parameters reads the password soon after.
    pub fn dangerously_weak_for_tests(
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    ) -> Result<Self, ConfigError> {
        let params = Self { memory_kib, passes, lanes };
        if !params.are_possible() || memory_kib > MAX_MEMORY || passes > MAX_PASSES {
            return Err(ConfigError::Impossible { memory_kib, passes, lanes });
        }
        Ok(params)
    }

    /// The memory, in KiB.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// The passes over it.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// The lanes it is divided into.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Whether Argon2 is defined for them, whatever they cost.
    pub(super) const fn are_possible(&self) -> bool {
        let Self { memory_kib, passes, lanes } = *self;
        passes >= 1 && lanes >= 1 && lanes <= MAX_LANES && memory_kib >= 8 * lanes
    }

    /// How many blocks of 1 KiB are computed: what it costs, but for what caches do.
    pub(super) fn work(&self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }

    /// What to compute besides a hash of `done`, so that it is as much work as these parameters.
    pub(super) fn missing_after(&self, done: Self) -> Option<Self> {
        let missing = self.work().saturating_sub(done.work());
        let passes = missing.div_ceil(u64::from(self.memory_kib));
        let memory_kib = u32::try_from(missing.checked_div(passes)?).ok()?;
        let params = Self { memory_kib, passes: u32::try_from(passes).ok()?, lanes: 1 };
        params.are_possible().then_some(params)
    }
}

/// OWASP, Password Storage Cheat Sheet: KiB, and passes at least.
const OWASP_ROWS: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];

/// 4 GiB.
const MAX_MEMORY: u32 = 4 << 20;
const MAX_PASSES: u32 = 1000;
const MAX_LANES: u32 = 255;
