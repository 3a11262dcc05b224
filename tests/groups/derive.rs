//! Groups in the user's program.

use std::collections::BTreeMap;

use crate::support::*;
use statepoint::prelude::*;

#[derive(Group)]
struct Servers {
    clock: Member,
    r#type: Member,
}

fn member() -> Member {
    Member::new(|| ConnectToAddress::new(at()))
}

fn update(member: &'static str, address: Option<Address>) -> GroupUpdate {
    GroupUpdate { member: member.into(), address }
}

#[test]
fn updates_fill_the_fields_and_empty_them() {
    let mut servers = Servers { clock: member(), r#type: member() };
    assert_eq!(servers.missing(), ["clock", "type"]);
    servers.update(&update("type", Some(far(1))));
    assert_eq!((servers.r#type.address(), servers.r#type.has_address()), (far(1), true));
    assert_eq!(servers.missing(), ["clock"]);
    servers.update(&update("type", None));
    assert_eq!((servers.r#type.address(), servers.r#type.has_address()), (Address::NONE, false));
    assert!(!servers.clock.has_address());
}

#[test]
fn a_roll_call_tells_who_is_missing_or_that_nobody_is() {
    let mut servers = Servers { clock: member(), r#type: member() };
    servers.update(&update("clock", Some(far(1))));
    let fault = servers.roll_call().expect_err("one is missing");
    assert_eq!(fault.to_string(), "temporarily unavailable (missing: type)");
    servers.update(&update("type", Some(far(2))));
    assert_eq!(servers.roll_call(), Ok(()));
}

#[test]
fn an_update_about_a_member_of_another_group_changes_nothing() {
    let mut servers = Servers { clock: member(), r#type: member() };
    servers.update(&update("store", Some(far(1))));
    assert_eq!(servers.missing(), ["clock", "type"]);
}

#[test]
fn members_keep_the_order_of_the_fields() {
    let servers = Servers { clock: member(), r#type: member() };
    let names: Vec<_> = servers.members().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["clock", "type"]);
    assert_eq!(format!("{:?}", servers.table()), r#"GroupTable { members: ["clock", "type"], .. }"#);
}

#[test]
fn a_group_can_be_a_map() {
    let mut servers: BTreeMap<String, Member> = ["a", "b"].map(|name| (name.into(), member())).into();
    servers.update(&update("b", Some(far(1))));
    servers.update(&update("c", Some(far(2))));
    assert_eq!((servers["b"].address(), servers.missing()), (far(1), vec!["a"]));
}
