//! Bodies as bytes, and the addresses beside them.

extern crate fsm_core as statepoint;

mod support;

use core::cell::Cell;
use core::net::IpAddr;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fsm_core::{Address, Body, EncodeError, Encoded, MAX_DEPTH, Message, Value};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use support::Meet;

fn point(slot: u32) -> Address {
    Address::new(slot, 1, 0)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Text(String),
    Known { at: Address },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Lost,
    Found { at: Address, before: Option<Address> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "what")]
enum Adjacent {
    Found(Address),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Contact {
    name: String,
    line: Address,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Plain {
    Unit,
    New(Address),
    Pair(Address, u8),
}

/// Addresses wherever serde can put them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "encoding.Everywhere")]
struct Everywhere {
    field: Address,
    inner: Contact,
    maybe: Vec<Option<Address>>,
    values: BTreeMap<String, Address>,
    keys: BTreeMap<Address, u8>,
    pair: (Address, Address),
    untagged: Vec<Untagged>,
    tagged: Vec<Tagged>,
    adjacent: Adjacent,
    plain: Vec<Plain>,
    #[serde(flatten)]
    flat: Contact,
    #[serde(flatten)]
    rest: BTreeMap<String, Address>,
}

fn everywhere() -> Everywhere {
    Everywhere {
        field: point(1),
        inner: Contact { name: "inner".into(), line: point(2) },
        maybe: vec![None, Some(point(3)), None],
        values: BTreeMap::from([("a".into(), point(4)), ("b".into(), Address::NONE)]),
        keys: BTreeMap::from([(point(5), 50), (point(6).with_far(7), 60)]),
        pair: (point(7), Address::DRIVER),
        untagged: vec![Untagged::Text("text".into()), Untagged::Known { at: point(8) }],
        tagged: vec![Tagged::Lost, Tagged::Found { at: point(9), before: Some(point(10)) }],
        adjacent: Adjacent::Found(point(11)),
        plain: vec![Plain::Unit, Plain::New(point(12)), Plain::Pair(point(13), 7)],
        flat: Contact { name: "flat".into(), line: point(14) },
        rest: BTreeMap::from([("more".into(), point(15))]),
    }
}

#[test]
fn an_address_may_stand_anywhere_in_a_message() {
    let encoded = everywhere().encode().expect("every place is allowed");
    assert_eq!(encoded.addresses.len(), 17);
    assert_eq!(Everywhere::decode(encoded), Ok(everywhere()));
}

#[test]
fn whoever_changes_the_list_changes_the_addresses_and_no_byte() {
    let mut encoded = everywhere().encode().expect("every place is allowed");
    for address in &mut encoded.addresses {
        *address = address.with_far(99);
    }
    let read = Everywhere::decode(encoded).expect("the bytes are the same");
    assert_eq!((read.field, read.maybe[1]), (point(1).with_far(99), Some(point(3).with_far(99))));
    assert_eq!(read.untagged[1], Untagged::Known { at: point(8).with_far(99) });
    assert!(read.keys.keys().all(|key| key.far() == 99) && read.rest["more"].far() == 99);
}

#[test]
fn an_address_in_a_body_is_an_extension_of_type_1_with_its_index() {
    let encoded = Meet(point(5)).encode().expect("it has serde");
    assert_eq!((encoded.bytes, encoded.addresses), (vec![0xd5, 1, 0, 0], vec![point(5)]));
}

/// serde's own buffer, behind `flatten` and in untagged enums, knows only one form.
#[test]
fn a_type_with_a_form_for_people_takes_it_wherever_it_stands() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Host {
        ip: IpAddr,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Place {
        Ip(IpAddr),
        Name(String),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "encoding.Hosts")]
    struct Hosts {
        plain: IpAddr,
        places: Vec<Place>,
        #[serde(flatten)]
        flat: Host,
    }
    let ip = IpAddr::from([10, 0, 0, 7]);
    let hosts = Hosts { plain: ip, places: vec![Place::Ip(ip), Place::Name("here".into())], flat: Host { ip } };
    let encoded = hosts.encode().expect("it has serde");
    assert!(encoded.bytes.windows(14).any(|bytes| bytes == b"plain\xa810.0.0.7"));
    assert_eq!(Hosts::decode(encoded), Ok(hosts));
}

#[test]
fn an_address_outside_of_a_message_is_an_error_that_says_so() {
    let told = rmp_serde::to_vec(&point(1)).expect_err("it is no message").to_string();
    assert!(told.contains("an address has a meaning only inside a message that is sent"), "{told}");
    let told = rmp_serde::from_slice::<Address>(&[0xd5, 1, 0, 0]).expect_err("it is no message").to_string();
    assert!(told.contains("only inside a message"), "{told}");
}

#[test]
fn an_address_that_the_list_does_not_have_is_refused() {
    let meet = |bytes: &[u8]| Encoded { bytes: bytes.to_vec(), ..Meet(point(5)).encode().expect("it has serde") };
    assert_eq!(Meet::decode(meet(&[0xd5, 1, 0, 0])), Ok(Meet(point(5))));
    let reasons = [
        (meet(&[0xd5, 1, 0, 1]), "expected an address index below 1, got 1"),
        (meet(&[0xd5, 2, 0, 0]), "expected an address, extension type 1, got extension type 2"),
        (meet(&[0xd4, 1, 0]), "invalid length 1"),
        (meet(&[0x92, 1, 0]), "FixArray"),
        (meet(&[0xd5, 1, 0]), ""),
    ];
    for (encoded, reason) in reasons {
        let refused = Meet::decode(encoded.clone()).expect_err("it is no address in the list");
        assert!(refused.reason().contains(reason), "{:?}: {refused}", encoded.bytes);
    }
}

#[test]
fn more_addresses_than_an_index_can_count_are_an_error() {
    #[derive(Debug, Serialize, Deserialize, Message)]
    struct Crowd(Vec<Address>);
    assert_eq!(Crowd(vec![point(1); 65_536]).encode().map(|encoded| encoded.addresses.len()), Ok(65_536));
    let Err(EncodeError::Serialize { reason, .. }) = Crowd(vec![point(1); 65_537]).encode() else {
        panic!("expected an error")
    };
    assert!(reason.contains("at most 65,536 addresses"), "{reason}");
}

/// A message that encodes another while it is itself encoded, and decodes it while it is decoded.
#[derive(Debug, PartialEq, Message)]
#[message(name = "encoding.Nested")]
struct Nested {
    before: Address,
    inside: Meet,
    after: Address,
}

#[derive(Deserialize)]
struct NestedParts {
    before: Address,
    bytes: Vec<u8>,
    listed: Vec<Address>,
    after: Address,
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_struct("Nested", 4)?;
        parts.serialize_field("before", &self.before)?;
        let encoded = self.inside.encode().map_err(serde::ser::Error::custom)?;
        parts.serialize_field("bytes", &encoded.bytes)?;
        parts.serialize_field("listed", &encoded.addresses)?;
        parts.serialize_field("after", &self.after)?;
        parts.end()
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let NestedParts { before, bytes, listed, after } = NestedParts::deserialize(deserializer)?;
        let encoded = Encoded { name: Meet::NAME.into(), id: Meet::ID, bytes, addresses: listed };
        let inside = Meet::decode(encoded).map_err(serde::de::Error::custom)?;
        Ok(Self { before, inside, after })
    }
}

#[test]
fn a_message_that_encodes_another_within_itself_keeps_its_own_list() {
    let nested = || Nested { before: point(1), inside: Meet(point(2)), after: point(3) };
    let encoded = nested().encode().expect("it has serde");
    assert_eq!(encoded.addresses, [point(1), point(2), point(3)]); // of these the second as an element of `listed`
    assert_eq!(Nested::decode(encoded), Ok(nested()));
}

#[test]
fn a_serialize_that_fails_or_panics_leaves_no_list_behind() {
    thread_local! { static PANICS: Cell<bool> = const { Cell::new(false) }; }
    #[derive(Debug, Message)]
    struct Broken(Address);
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)?;
            assert!(!PANICS.get(), "broken");
            Err(serde::ser::Error::custom("broken"))
        }
    }
    impl<'de> Deserialize<'de> for Broken {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Address::deserialize(deserializer).map(Self)
        }
    }
    assert!(matches!(Broken(point(1)).encode(), Err(EncodeError::Serialize { reason, .. }) if reason == "broken"));
    assert!(rmp_serde::to_vec(&point(1)).is_err());
    PANICS.set(true);
    assert!(catch_unwind(AssertUnwindSafe(|| Broken(point(1)).encode())).is_err());
    assert!(rmp_serde::to_vec(&point(1)).is_err());
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "encoding.Deep")]
#[serde(default)]
struct Deep {
    list: Vec<Deep>,
    next: Option<Box<Deep>>,
    tagged: Option<Box<Level>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Level {
    Down { below: Option<Box<Level>> },
}

/// `{field: <open><open>..<open>nil}` under the name of a `Deep`.
fn deep(field: &str, open: &[u8], depth: usize) -> Encoded {
    let mut bytes = vec![0x81, 0xa0 | field.len() as u8];
    bytes.extend(field.as_bytes());
    bytes.extend(open.repeat(depth));
    bytes.push(0xc0);
    Encoded { name: Deep::NAME.into(), id: Deep::ID, bytes, addresses: Vec::new() }
}

#[test]
fn a_body_of_ten_thousand_levels_is_refused_and_takes_no_stack() {
    let work = || {
        let bodies = [
            deep("list", b"\x91", 10_000),
            deep("list", b"\x91\x81\xa4list", 10_000),
            deep("next", b"\x81\xa4next", 10_000),
            deep("tagged", b"\x82\xa4kind\xa4Down\xa5below", 10_000),
            deep("ignored", b"\x91", 10_000),
            deep("ignored", b"\x81\xa1a", 10_000),
            deep("ignored", b"\x81", 10_000), // maps as keys of maps
        ];
        for encoded in bodies {
            let refused = Deep::decode(encoded.clone()).expect_err("it is too deep");
            // Maps as keys of maps lack their values.
            let reasons = ["depth", "announces"];
            assert!(reasons.iter().any(|reason| refused.reason().contains(reason)), "{refused}");
            assert_eq!(format!("{:?}", Body::encoded(encoded.clone())), "Deep");
            assert_eq!(Value::from(Body::encoded(encoded)).to_json(), "\"encoding.Deep\"");
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).expect("a thread").join().expect("no panic");
}

#[test]
fn a_body_may_be_as_deep_as_the_bound() {
    // The message itself is a level, and a decoder stops before the bound's last.
    assert!(Deep::decode(deep("ignored", b"\x91", MAX_DEPTH - 2)).is_ok());
    assert!(Deep::decode(deep("ignored", b"\x91", MAX_DEPTH)).is_err());
}

#[test]
fn a_length_that_the_bytes_do_not_bear_out_is_refused_before_room_is_made_for_it() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, Message)]
    struct Long {
        numbers: Vec<[u64; 4]>,
        text: String,
        table: BTreeMap<u64, u64>,
    }
    for (field, length) in [("numbers", 0xdd), ("text", 0xdb), ("table", 0xdf), ("numbers", 0xc6), ("ignored", 0xc9)] {
        let mut bytes = vec![0x81, 0xa0 | field.len() as u8];
        bytes.extend(field.as_bytes());
        bytes.extend([length, 0xff, 0xff, 0xff, 0xff]);
        let encoded = Encoded { name: Long::NAME.into(), id: Long::ID, bytes, addresses: Vec::new() };
        assert!(Long::decode(encoded).is_err(), "{field}");
    }
}

#[test]
fn a_body_ends_where_its_message_ends() {
    let mut encoded = Meet(point(1)).encode().expect("it has serde");
    encoded.bytes.push(0xc0);
    let refused = Meet::decode(encoded).expect_err("a byte too many");
    assert!(refused.reason().contains("expected the end of the body"), "{refused}");
}

#[test]
fn fields_are_named_so_that_unknown_ones_are_skipped_and_missing_ones_may_have_defaults() {
    let contact = Encoded {
        name: Deep::NAME.into(),
        id: Deep::ID,
        bytes: b"\x82\xa5extra\x93\x01\xd5\x01\x00\x07\xa3two\xa4next\xc0".to_vec(),
        addresses: Vec::new(),
    };
    assert_eq!(Deep::decode(contact), Ok(Deep::default()));
}
