//! Structs, enums, options, numbers, texts, tuples.

use statepoint::prelude::*;

use crate::trip::survive;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Instrument {
    name: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Place {
    room: String,
    shelf: u8,
}

#[test]
fn structs_in_structs() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Inventory")]
    struct Inventory {
        first: Instrument,
        #[serde(rename = "type")]
        kind: String,
        #[serde(flatten)]
        place: Place,
        nothing: Nothing,
        wrapped: Wrapped,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Nothing;
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Wrapped(u32);
    let place = Place { room: "B 12".into(), shelf: 3 };
    survive([Inventory {
        first: Instrument { name: "balance".into(), place: place.clone() },
        kind: "laboratory".into(),
        place,
        nothing: Nothing,
        wrapped: Wrapped(9),
    }]);
}

#[test]
fn fields_that_one_end_does_not_have() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Old {
        name: String,
        dropped: u8,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct New {
        name: String,
        #[serde(default)]
        place: Place,
    }
    // Written as the one and read as the other, as by programs of different years.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Changed")]
    #[serde(from = "New", into = "Old")]
    struct Changed(New);
    impl From<New> for Changed {
        fn from(new: New) -> Self {
            Self(new)
        }
    }
    impl From<Changed> for Old {
        fn from(Changed(new): Changed) -> Self {
            Self { name: new.name, dropped: 7 }
        }
    }
    survive([Changed(New { name: "balance".into(), place: Place::default() })]);
}

#[test]
fn enums() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Event")]
    enum Event {
        Started,
        Measured(f64),
        Moved(i32, i32),
        Failed { code: u16, what: Box<Event> },
    }
    let failed = Event::Failed { code: 7, what: Box::new(Event::Moved(-1, 1)) };
    survive([Event::Started, Event::Measured(20.5), Event::Moved(3, -4), failed]);
}

#[test]
fn enums_with_a_tag_or_without() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Inside {
        Empty,
        Full { by: Place },
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "what")]
    enum Beside {
        One(u8),
        Two(Place, Option<u8>),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Text(String),
        Place(Place),
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Tagged")]
    struct Tagged {
        inside: Vec<Inside>,
        beside: Vec<Beside>,
        untagged: Vec<Untagged>,
    }
    let place = || Place { room: "B 12".into(), shelf: 3 };
    survive([Tagged {
        inside: vec![Inside::Empty, Inside::Full { by: place() }],
        beside: vec![Beside::One(1), Beside::Two(place(), None), Beside::Two(place(), Some(2))],
        untagged: vec![Untagged::Number(-5), Untagged::Text("five".into()), Untagged::Place(place())],
    }]);
}

#[test]
fn options_and_results() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Maybe")]
    struct Maybe {
        some: Option<Place>,
        none: Option<Place>,
        many: Vec<Option<u8>>,
        outcome: Vec<Result<u8, String>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
    }
    survive([Maybe {
        some: Some(Place::default()),
        none: None,
        many: vec![None, Some(0), Some(255)],
        outcome: vec![Ok(1), Err("broken".into())],
        left_out: None,
    }]);
}

/// MessagePack has one nil.
#[test]
fn an_option_in_an_option_becomes_one() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Twice")]
    struct Twice(Option<Option<u8>>);
    survive([Twice(None), Twice(Some(Some(1)))]);
    let home = crate::trip::there_and_back(0, |_| vec![Twice(Some(None))], |_| Vec::new());
    assert_eq!(home, [Twice(None)]);
}

#[test]
fn numbers_of_every_size() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Numbers")]
    struct Numbers {
        bytes: (u8, i8),
        words: (u16, i16),
        longs: (u32, i32),
        quads: (u64, i64),
        widest: (u128, i128),
        machine: (usize, isize),
        truth: bool,
        not_zero: std::num::NonZeroU32,
    }
    macro_rules! all {
        ($which:ident, $truth:expr, $not_zero:expr) => {
            Numbers {
                bytes: (u8::$which, i8::$which),
                words: (u16::$which, i16::$which),
                longs: (u32::$which, i32::$which),
                quads: (u64::$which, i64::$which),
                widest: (u128::$which, i128::$which),
                machine: (usize::$which, isize::$which),
                truth: $truth,
                not_zero: $not_zero,
            }
        };
    }
    survive([all!(MIN, false, std::num::NonZeroU32::MIN), all!(MAX, true, std::num::NonZeroU32::MAX)]);
}

#[test]
fn floats_bit_for_bit() {
    #[derive(Debug, Clone, Serialize, Deserialize, Message)]
    #[message(name = "types.Floats")]
    struct Floats(Vec<f64>, Vec<f32>);
    /// Not a number is not equal to itself, and minus zero is equal to zero: bits are compared.
    impl PartialEq for Floats {
        fn eq(&self, other: &Self) -> bool {
            let bits = |floats: &Self| {
                let wide: Vec<_> = floats.0.iter().map(|float| float.to_bits()).collect();
                (wide, floats.1.iter().map(|float| float.to_bits()).collect::<Vec<_>>())
            };
            bits(self) == bits(other)
        }
    }
    survive([Floats(
        vec![
            0.0,
            -0.0,
            0.1,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::EPSILON,
            f64::INFINITY,
            -f64::INFINITY,
            f64::NAN,
        ],
        vec![0.0, -0.0, 0.1, f32::MIN, f32::MAX, f32::INFINITY, f32::NAN],
    )]);
}

#[test]
fn texts_and_characters() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Texts")]
    struct Texts {
        empty: String,
        long: String,
        letters: Vec<char>,
        borrowed: std::borrow::Cow<'static, str>,
    }
    survive([Texts {
        empty: String::new(),
        long: "Grüße, 世界 🦀\0\n".repeat(5_000),
        letters: vec!['a', 'ß', '世', '\u{10ffff}', '\0'],
        borrowed: "text".into(),
    }]);
}

#[test]
fn tuples() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
    #[message(name = "types.Tuples")]
    struct Tuples((u8, String, (bool,)), [(i8, Option<()>); 2], ());
    survive([Tuples((1, "one".into(), (true,)), [(-1, None), (2, None)], ())]);
}
