//! Values of a type that is not known where they arrive, and how people are shown them.

extern crate fsm_core as statepoint;

mod support;

use std::collections::BTreeMap;

use fsm_core::{Aborted, Address, Body, Done, Encoded, Fault, Faulted, Message, Stop, TimedOut, Value};
use serde::{Deserialize, Serialize};
use support::{Meet, Note};

#[derive(Debug, Default, Serialize, Deserialize, Message)]
#[message(name = "values.Report")]
struct Report {
    title: String,
    size: Size,
    marks: Vec<f64>,
    notes: BTreeMap<i32, Option<bool>>,
    raw: Raw,
    at: Option<Address>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Size {
    width: u32,
    depth: i64,
}

/// Bytes as MessagePack has them.
#[derive(Debug, Default)]
struct Raw(Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into_bytes()))
    }
}

fn report() -> Report {
    Report {
        title: "say \"hi\"\n\u{7}\\".into(),
        size: Size { width: 3, depth: -4 },
        marks: vec![1.0, 0.5, f64::NAN],
        notes: BTreeMap::from([(-1, None), (7, Some(true))]),
        raw: Raw(vec![1, 255]),
        at: Some(Address::new(10, 1, 3)),
    }
}

#[test]
fn a_value_is_shown_as_json() {
    let json = r#"{"title":"say \"hi\"\n\u0007\\","size":{"width":3,"depth":-4},"marks":[1.0,0.5,"NaN"],"notes":{"-1":null,"7":true},"raw":[1,255],"at":"<0000000a/3>"}"#;
    assert_eq!(Value::from(report()).to_json(), json);
    assert_eq!(format!("{:?}", Value::from(report())), format!("Report {json}"));
}

#[test]
fn a_value_is_shown_as_lines_in_the_manner_of_the_seed() {
    let text = "Report\n\
        +   title: \"say \\\"hi\\\"\\n\\u0007\\\\\"\n\
        +   size:\n\
        +   +   width: 3\n\
        +   +   depth: -4\n\
        +   marks: [1.0,0.5,\"NaN\"]\n\
        +   notes:\n\
        +   +   -1: null\n\
        +   +   7: true\n\
        +   raw: [1,255]\n\
        +   at: \"<0000000a/3>\"";
    assert_eq!(Value::from(report()).to_text(), text);
    assert_eq!(Value::from(Note(7)).to_text(), "Note 7");
    assert_eq!(Value::from(Done).to_text(), "Done");
}

#[test]
fn a_value_without_serde_is_shown_by_its_name() {
    let value = Value::from(Stop);
    assert_eq!(
        (value.to_text(), value.to_json(), format!("{value:?}")),
        ("Stop".into(), "\"statepoint.Stop\"".into(), "Stop".into())
    );
}

#[test]
fn a_value_that_came_as_bytes_is_shown_like_any_other() {
    let bytes = Value::from(Body::encoded(report().encode().expect("it has serde")));
    assert_eq!(bytes.to_json(), Value::from(report()).to_json());
}

#[test]
fn a_value_is_taken_by_whoever_names_its_type() {
    let value = Value::from(Note(3));
    assert!(value.is::<Note>() && !value.is::<Meet>());
    assert_eq!((value.name(), value.short_name(), value.peek::<Note>()), ("test.Note", "Note", Some(&Note(3))));
    let value = value.take::<Meet>().expect_err("it is a note");
    assert_eq!(value.take::<Note>().expect("it is a note"), Note(3));
}

#[test]
fn a_value_that_came_as_bytes_is_opened_when_it_is_taken() {
    let bytes = || Value::from(Body::encoded(Note(3).encode().expect("it has serde")));
    assert!(bytes().is::<Note>() && bytes().peek::<Note>().is_none());
    assert_eq!(bytes().take::<Note>().expect("it is a note"), Note(3));
    let broken = Encoded { bytes: vec![0xc3], ..Note(3).encode().expect("it has serde") };
    let told = Value::from(Body::encoded(broken)).take::<Note>().expect_err("it does not fit");
    assert!(told.peek::<Faulted>().is_some_and(|fault| fault.explanation.starts_with("the body of `test.Note`")));
}

#[test]
fn a_fault_is_a_value_that_means_failure() {
    assert!(Value::from(Aborted).is_fault() && !Value::from(Done).is_fault());
    let late = TimedOut { waiting_for: "Note".into(), limit: core::time::Duration::from_secs(3) };
    assert_eq!(Value::from(late.clone()).fault().as_deref(), Some("timed out waiting for Note (3s)"));
    let fault = Fault::from(late.clone());
    assert_eq!((fault.to_string(), fault.peek::<TimedOut>()), (late.to_string(), Some(&late)));
    assert!(Value::from(fault).is_fault());
}
