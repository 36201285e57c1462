//! Policy engines, asked whether a manager, who is above a member, may book courts. Whatever can be made
//! before it is asked is made before.

use std::collections::HashSet;
use std::error::Error;
use std::hint::black_box;

use casbin::{CoreApi as _, DefaultModel, Enforcer, StringAdapter};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request,
};

use crate::measure::alone::{self, Alone};
use crate::measure::wait;

const MODEL: &str = "
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

const RULES: &str = "
p, visitor, courts, read
p, member, courts, book
p, manager, orders, refund
g, member, visitor
g, manager, member
";

pub(crate) fn casbin() -> Result<Alone, Box<dyn Error>> {
    let enforcer = wait(async {
        let model = DefaultModel::from_str(MODEL).await?;
        Enforcer::new(model, StringAdapter::new(RULES)).await
    })?;
    if enforcer.enforce(("visitor", "courts", "book"))? {
        return Err("casbin lets everybody in".into());
    }
    Ok(alone::measure(DECISIONS, || {
        let decided = enforcer.enforce(black_box(("manager", "courts", "book")));
        assert!(matches!(decided, Ok(true)));
    }))
}

const POLICIES: &str = r#"
permit(principal in Role::"visitor", action == Action::"read", resource == Resource::"courts");
permit(principal in Role::"member", action == Action::"book", resource == Resource::"courts");
permit(principal in Role::"manager", action == Action::"refund", resource == Resource::"orders");
"#;

pub(crate) fn cedar() -> Result<Alone, Box<dyn Error>> {
    let [user, manager, member, visitor, book, courts] = [
        r#"User::"4711""#,
        r#"Role::"manager""#,
        r#"Role::"member""#,
        r#"Role::"visitor""#,
        r#"Action::"book""#,
        r#"Resource::"courts""#,
    ]
    .map(str::parse::<EntityUid>);
    let (user, manager, member, visitor) = (user?, manager?, member?, visitor?);
    let (book, courts) = (book?, courts?);
    let entities = [
        Entity::new_no_attrs(user.clone(), HashSet::from([manager.clone()])),
        Entity::new_no_attrs(manager, HashSet::from([member.clone()])),
        Entity::new_no_attrs(member, HashSet::from([visitor.clone()])),
        Entity::new_no_attrs(visitor.clone(), HashSet::new()),
    ];
    let entities = Entities::from_entities(entities, None)?;
    let policies: PolicySet = POLICIES.parse()?;
    let authorizer = Authorizer::new();
    let ask = |who: EntityUid| {
        let request = Request::new(who, book.clone(), courts.clone(), Context::empty(), None)?;
        Ok::<_, Box<dyn Error>>(request)
    };
    let denied = authorizer.is_authorized(&ask(visitor)?, &policies, &entities);
    if denied.decision() == Decision::Allow {
        return Err("cedar-policy lets everybody in".into());
    }
    let request = ask(user)?;
    Ok(alone::measure(DECISIONS, || {
        let decided = authorizer.is_authorized(black_box(&request), &policies, &entities);
        assert_eq!(decided.decision(), Decision::Allow);
    }))
}

/// In one sample: they take microseconds.
const DECISIONS: u32 = 2000;
