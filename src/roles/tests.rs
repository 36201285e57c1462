//! Laws of rules, and an evaluator that is slow and plain.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::principal::Principal;
use super::verdict::{Authn, Evidence, Verdict};
use super::*;
use crate::client::Networks;

crate::permissions! {
    enum Permission { A = "a", B = "b", C = "c", D = "d" }
}

crate::roles! {
    enum Role grants Permission {
        Low = "low" => [A],
        Left = "left": Low => [B],
        Right = "right": Low => [C],
        Top = "top": Left, Right => [D],
    }
}

const ROLES: [Role; 4] = [Role::Low, Role::Left, Role::Right, Role::Top];
const PERMISSIONS: [Permission; 4] = [Permission::A, Permission::B, Permission::C, Permission::D];

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)
}

fn who(roles: &[Role], age: Option<u64>, second: bool) -> Principal {
    let mut identity = Identity::<Role>::new("4711");
    for role in roles {
        identity = identity.role(*role);
    }
    if let Some(age) = age {
        identity = identity.signed_in_at(now() - Duration::from_secs(age));
    }
    if second { identity.with_second_factor() } else { identity }
        .into_principal(&Grants::declared())
}

#[test]
fn a_diamond_has_what_both_sides_have_and_no_side_has_the_others() {
    let granted = |role| {
        let principal = who(&[role], None, false);
        PERMISSIONS.map(|permission| principal.has_permission(permission, now()))
    };
    assert_eq!(granted(Role::Low), [true, false, false, false]);
    assert_eq!(granted(Role::Left), [true, true, false, false]);
    assert_eq!(granted(Role::Right), [true, false, true, false]);
    assert_eq!(granted(Role::Top), [true; 4]);
    assert!(who(&[Role::Top], None, false).has_role(Role::Left, now()));
    assert!(!who(&[Role::Left], None, false).has_role(Role::Right, now()));
}

#[test]
fn a_closure_of_a_closure_is_itself() {
    for (role, below) in ROLES.iter().zip(<Role as super::Role>::BELOW) {
        let mut all = *below;
        for (other, others) in <Role as super::Role>::BELOW.iter().enumerate() {
            if below >> other & 1 == 1 {
                all |= others;
            }
        }
        assert_eq!(all, *below, "{role:?}");
    }
}

/// A16.
#[test]
fn names_are_the_same_bytes_or_others() {
    for name in ["Top", "TOP", "top ", " top", "t\u{43e}p", "ｔｏｐ", "to\u{301}p", "", "top\0"]
    {
        let identity = Identity::<Role>::new("4711").role_names([name]);
        assert_eq!(identity.unknown_names(), 1, "{name:?}");
        assert!(
            !identity.into_principal(&Grants::declared()).has_role(Role::Low, now()),
            "{name:?}"
        );
    }
    let identity = Identity::<Role>::new("4711").role_names(["top", "top"]);
    assert_eq!(identity.unknown_names(), 0);
    assert!(identity.into_principal(&Grants::declared()).has_role(Role::Low, now()));
}

#[test]
fn what_is_granted_for_a_time_ends_at_its_time() {
    let until = now() + Duration::from_secs(60);
    let principal = Identity::<Role>::new("4711")
        .elevated(Role::Top, until)
        .into_principal(&Grants::declared());
    let moment = Duration::from_nanos(1);
    assert!(principal.has_permission(Permission::D, until - moment));
    assert!(!principal.has_permission(Permission::D, until));
    assert!(!principal.has_role(Role::Low, until));
}

/// A list that came out empty, of a configuration for instance, opens nothing by an exception.
#[test]
fn a_rule_of_nothing_lets_nobody_in_whatever_is_around_it() {
    let top = who(&[Role::Top], Some(0), true);
    for rule in [Rule::NOBODY, Rule::all([]), Rule::any([]), any_role::<Role>([])] {
        for rule in [rule.clone(), !rule.clone(), !!rule.clone(), !(rule & Rule::PUBLIC)] {
            for principal in [None, Some(&top)] {
                assert_eq!(rule.check(principal, None, now()), Err(Why::Nobody), "{rule}");
            }
        }
    }
}

/// A time that ends before it begins, and names that nobody knows, open nothing by an exception either.
#[test]
fn what_is_a_mistake_is_no_exception() {
    let backwards = Rule::between(now() + Duration::from_secs(1), now());
    let odd = Identity::<Role>::new("4711").role_names(["Left"]);
    let odd = odd.into_principal(&Grants::declared());
    for rule in [backwards.clone(), !backwards, role(Role::Left), !role(Role::Left)] {
        assert!(rule.check(Some(&odd), None, now()).is_err(), "{rule}");
    }
    assert!((!permission(Permission::B)).check(Some(&odd), None, now()).is_err());
}

/// A27: whatever stands beside it, and in whatever order.
#[test]
fn of_several_reasons_the_one_to_be_mended_is_told() {
    let (a, b) = (|| role(Role::Top), || Rule::network(Networks::parse(["10.0.0.0/8"]).unwrap()));
    let both = [a() & b(), b() & a(), a() | b(), b() | a()];
    for (authn, expected) in [
        (Authn::NoLayer, Why::NoAuthnLayer),
        (Authn::Unavailable, Why::Unavailable),
        (Authn::Anonymous, Why::Anonymous),
    ] {
        for rule in &both {
            let verdict = rule.verdict(&Evidence::new(authn, &|| None, &now));
            assert_eq!(verdict, Verdict::Unknown(expected), "{rule}");
        }
    }
    let within = Duration::from_secs(9);
    let (low, fresh) = (who(&[Role::Low], Some(99), false), || Rule::fresh(within));
    let says = |rule: Rule| rule.check(Some(&low), None, now()).unwrap_err();
    // Signing in again does not make one an admin, and is enough where that is another way in.
    for rule in [fresh() & a(), a() & fresh()] {
        assert_eq!(says(rule), Why::LacksRole("top"));
    }
    for rule in [fresh() | a(), a() | fresh()] {
        assert_eq!(says(rule), Why::Stale { within });
    }
    // Nor does it let a stranger in from elsewhere.
    let elsewhere = Some([192, 0, 2, 1].into());
    for rule in [a() & b(), b() & a()] {
        assert_eq!(rule.check(None, elsewhere, now()), Err(Why::Network), "{rule}");
    }
}

/// Two parts of an app that have enums of their own: the places of one mean nothing in the other.
#[test]
fn roles_of_another_enum_are_other_roles() {
    mod other {
        crate::permissions! { pub(super) enum Permission { Launch = "launch" } }
        crate::roles! { pub(super) enum Role grants Permission { Chief = "chief" => [Launch] } }
    }
    let top = who(&[Role::Top], Some(0), true);
    assert!(!top.has_role(other::Role::Chief, now()));
    assert!(!top.has_permission(other::Permission::Launch, now()));
    for rule in [role(other::Role::Chief), permission(other::Permission::Launch)] {
        for rule in [rule.clone(), !rule] {
            assert_eq!(rule.check(Some(&top), None, now()), Err(Why::OtherEnum), "{rule}");
        }
    }
}

/// A rule, as data.
#[derive(Clone, Debug)]
enum Shape {
    Public,
    Nobody,
    SignedIn,
    Role(usize),
    Permission(usize),
    Fresh(u64),
    Second,
    Office,
    Past,
    Present,
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Shape {
    fn rule(&self) -> Rule {
        let rules = |shapes: &[Self]| shapes.iter().map(Self::rule).collect::<Vec<_>>();
        match self {
            Self::Public => Rule::PUBLIC,
            Self::Nobody => Rule::NOBODY,
            Self::SignedIn => Rule::SIGNED_IN,
            Self::Role(at) => role(ROLES[*at]),
            Self::Permission(at) => permission(PERMISSIONS[*at]),
            Self::Fresh(seconds) => Rule::fresh(Duration::from_secs(*seconds)),
            Self::Second => Rule::second_factor(),
            Self::Office => Rule::network(Networks::parse(["10.0.0.0/8"]).unwrap()),
            Self::Past => Rule::between(SystemTime::UNIX_EPOCH, now()),
            Self::Present => Rule::between(now(), now() + Duration::from_secs(1)),
            Self::All(shapes) => Rule::all(rules(shapes)),
            Self::Any(shapes) => Rule::any(rules(shapes)),
            Self::Not(shape) => !shape.rule(),
        }
    }

    /// `None` is what cannot be known.
    fn holds(&self, case: &Case) -> Option<bool> {
        let of_somebody =
            |is_so: &dyn Fn(&Somebody) -> Option<bool>| case.somebody.as_ref().and_then(is_so);
        match self {
            Self::Public | Self::Present => Some(true),
            Self::Nobody => None,
            Self::Past => Some(false),
            Self::SignedIn => of_somebody(&|_| Some(true)),
            Self::Role(at) => of_somebody(&|who| {
                let above: &[usize] = [&[0, 1, 2, 3][..], &[1, 3], &[2, 3], &[3]][*at];
                Some(who.roles.iter().any(|role| above.contains(role)))
            }),
            Self::Permission(at) => of_somebody(&|who| {
                let granting: &[usize] = [&[0, 1, 2, 3][..], &[1, 3], &[2, 3], &[3]][*at];
                Some(who.roles.iter().any(|role| granting.contains(role)))
            }),
            Self::Fresh(seconds) => of_somebody(&|who| who.age.map(|age| age <= *seconds)),
            Self::Second => of_somebody(&|who| Some(who.second)),
            Self::Office => case.in_office,
            Self::All(shapes) | Self::Any(shapes) if shapes.is_empty() => None,
            Self::All(shapes) => {
                let held: Vec<_> = shapes.iter().map(|shape| shape.holds(case)).collect();
                if held.contains(&Some(false)) {
                    Some(false)
                } else if held.contains(&None) {
                    None
                } else {
                    Some(true)
                }
            }
            Self::Any(shapes) => {
                let held: Vec<_> = shapes.iter().map(|shape| shape.holds(case)).collect();
                if held.contains(&Some(true)) {
                    Some(true)
                } else if held.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Self::Not(shape) => shape.holds(case).map(|held| !held),
        }
    }
}

#[derive(Clone, Debug)]
struct Somebody {
    roles: Vec<usize>,
    age: Option<u64>,
    second: bool,
}

#[derive(Clone, Debug)]
struct Case {
    somebody: Option<Somebody>,
    in_office: Option<bool>,
}

fn shape() -> impl Strategy<Value = Shape> {
    shapes(true)
}

fn shapes(with_exceptions: bool) -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Public),
        Just(Shape::Nobody),
        Just(Shape::SignedIn),
        (0..4_usize).prop_map(Shape::Role),
        (0..4_usize).prop_map(Shape::Permission),
        (0..20_u64).prop_map(Shape::Fresh),
        Just(Shape::Second),
        Just(Shape::Office),
        Just(Shape::Past),
        Just(Shape::Present),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Shape::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Shape::Any),
            inner.prop_map(move |shape| {
                if with_exceptions { Shape::Not(Box::new(shape)) } else { Shape::All(vec![shape]) }
            }),
        ]
    })
}

fn case() -> impl Strategy<Value = Case> {
    let roles = prop::collection::vec(0..4_usize, 0..3);
    let somebody = (roles, prop::option::of(0..20_u64), any::<bool>())
        .prop_map(|(roles, age, second)| Somebody { roles, age, second });
    (prop::option::of(somebody), prop::option::of(any::<bool>()))
        .prop_map(|(somebody, in_office)| Case { somebody, in_office })
}

fn verdict(rule: &Rule, case: &Case) -> Option<bool> {
    let principal = case.somebody.as_ref().map(|somebody| {
        let roles: Vec<_> = somebody.roles.iter().map(|at| ROLES[*at]).collect();
        who(&roles, somebody.age, somebody.second)
    });
    let authn = principal.as_ref().map_or(Authn::Anonymous, Authn::Subject);
    let office = |inside| if inside { [10, 1, 2, 3].into() } else { [192, 0, 2, 1].into() };
    let address = case.in_office.map(office);
    match rule.verdict(&Evidence::new(authn, &|| address, &now)) {
        Verdict::Yes => Some(true),
        Verdict::No(_) => Some(false),
        Verdict::Unknown(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_plain_evaluator_agrees(shape in shape(), case in case()) {
        prop_assert_eq!(verdict(&shape.rule(), &case), shape.holds(&case));
    }

    /// Without an exception, whoever has more roles may do no less.
    #[test]
    fn more_roles_take_nothing_away(shape in shapes(false), case in case(), more in 0..4_usize) {
        let rule = shape.rule();
        let mut with_more = case.clone();
        if let Some(somebody) = &mut with_more.somebody {
            somebody.roles.push(more);
        }
        if verdict(&rule, &case) == Some(true) {
            prop_assert_eq!(verdict(&rule, &with_more), Some(true));
        }
    }

    #[test]
    fn the_laws_of_three_values_hold(a in shape(), b in shape(), case in case()) {
        let says = |rule: Rule| verdict(&rule, &case);
        let (a, b) = (|| a.rule(), || b.rule());
        prop_assert_eq!(says(!!a()), says(a()));
        prop_assert_eq!(says(!(a() & b())), says(!a() | !b()));
        prop_assert_eq!(says(!(a() | b())), says(!a() & !b()));
        prop_assert_eq!(says(a() & b()), says(b() & a()));
        prop_assert_eq!(says(a() | a() & b()), says(a()));
    }

    /// Nobody gets in by not being known.
    #[test]
    fn where_nobody_has_looked_nobody_gets_in_by_who_he_is(shape in shape()) {
        let rule = shape.rule();
        for authn in [Authn::NoLayer, Authn::Unavailable] {
            let unknown = rule.verdict(&Evidence::new(authn, &|| None, &now));
            let nobody = Case { somebody: None, in_office: None };
            prop_assert_eq!(unknown == Verdict::Yes, shape.holds(&nobody) == Some(true));
        }
    }
}

#[cfg(feature = "serde")]
mod file {
    use super::*;

    fn read(text: &str) -> Result<Grants<Role>, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let grants = read("[left]\ngrants = []").unwrap();
        assert_eq!(grants.of_role(Role::Left), ["a"]);
        assert_eq!(grants.of_role(Role::Top), ["a", "c", "d"], "what is below has changed");
        let grants = read("[top]\nbelow = []\ngrants = [\"b\"]").unwrap();
        assert_eq!(grants.of_role(Role::Top), ["b"]);
        assert_eq!(grants.of_role(Role::Right), ["a", "c"]);
        // In whatever order: what is below what is seen when all is read.
        for text in [
            "[left]\nbelow = [\"top\"]\ngrants = []\n[top]\nbelow = []\ngrants = [\"d\"]",
            "[top]\nbelow = []\ngrants = [\"d\"]\n[left]\nbelow = [\"top\"]\ngrants = []",
        ] {
            assert_eq!(read(text).unwrap().of_role(Role::Left), ["d"]);
        }
        assert_eq!(read("").unwrap().of_role(Role::Top), ["a", "b", "c", "d"]);
    }

    /// A15.
    #[test]
    fn what_makes_no_sense_is_refused_at_its_line() {
        for (text, expected) in [
            ("[boss]\ngrants = []", "no role is called \"boss\""),
            ("[top]\ngrants = [\"e\"]", "no permission is called \"e\""),
            ("[top]\ngrants = [\"A\"]", "no permission is called \"A\""),
            ("[top]\ngrants = [\"a\", \"a\"]", "a is there twice"),
            ("[top]\nbelow = [\"left\", \"left\"]\ngrants = []", "left is there twice"),
            ("[top]\ngrants = []\ngrant = []", "unknown field"),
            ("[top]\nbelow = [\"left\"]", "missing field `grants`"),
            ("[low]\nbelow = [\"low\"]\ngrants = []", "low is below itself"),
            ("[low]\nbelow = [\"top\"]\ngrants = []", "is below itself"),
            ("[top]\ngrants = \"a\"", "a list of names"),
            ("[top]\ngrants = []\n[top]\ngrants = []", "duplicate"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(error.contains("line "), "{text}: {error}");
        }
        let null =
            serde_json::from_str::<Grants<Role>>(r#"{"left": {"below": null, "grants": []}}"#);
        assert!(null.is_err(), "null is no list");
        for list in [r#"{"left": [["low"], ["b"]]}"#, r#"{"left": [["b"]]}"#, r#"[["low"]]"#] {
            let error = serde_json::from_str::<Grants<Role>>(list).unwrap_err().to_string();
            assert!(error.contains("a table"), "what stands where says nothing: {error}");
        }
        let twice = r#"{"top": {"grants": []}, "top": {"grants": []}}"#;
        let error = serde_json::from_str::<Grants<Role>>(twice).unwrap_err().to_string();
        assert!(error.contains("top is there twice"), "{error}");
    }
}

/// A29: each request sees one version, whatever is replaced meanwhile.
#[test]
fn grants_are_replaced_while_requests_run() {
    let in_use = GrantsInUse::new(Grants::<Role>::declared());
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut before = 0;
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let grants = in_use.load();
                    let identity = Identity::<Role>::new("4711").role(Role::Top);
                    let principal = identity.into_principal(&grants);
                    assert_eq!(principal.grants_version(), grants.version());
                    assert!(principal.grants_version() >= before);
                    before = principal.grants_version();
                }
            });
        }
        (0..1000).for_each(|_| in_use.replace(Grants::declared()));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
