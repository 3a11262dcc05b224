//! Values of unknown type as the types that the user names.

use super::Values;
use crate::body::Body;
use crate::lifecycle::Faulted;
use crate::name::short;
use crate::routine::Select;
use crate::value::{Fault, Value};

/// The longest body that a fault shows: it may be a peer's, and showing one takes many times its size.
const MOST_BYTES: usize = 4_096;

/// How much of a body a fault shows.
const MOST_CHARACTERS: usize = 200;

/// What a [`Value`] can be opened as: a message, an enum with `#[derive(Select)]` that lists several, the `Value` itself, and
/// `()` when any value will do. A [`Values`] opens as a vector, an array or a tuple of these.
///
/// A fault that the type does not list is an error; a `Result<T, Fault>` takes it in. The error for another type shows the value, up
/// to 200 characters of it.
///
/// ```
/// # extern crate fsm_core as statepoint;
/// use statepoint::{Aborted, Ack, Done, Fault, Value};
///
/// assert_eq!(Value::from(Ack).open::<Ack>()?, Ack);
/// let error = Value::from(Done).open::<Ack>().unwrap_err();
/// assert_eq!(error.to_string(), "expected Ack, got Done");
/// assert!(Value::from(Aborted).open::<Ack>().unwrap_err().is::<Aborted>());
/// assert!(Value::from(Aborted).open::<Result<Ack, Fault>>()?.is_err());
/// # Ok::<(), Fault>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a value cannot be opened as `{Self}`",
    label = "neither a message nor several of them",
    note = "a value opens as a message, a type of yours with `#[derive(Message)]`, or as an enum of messages with `#[derive(Select)]`; as `Value` it opens always",
    note = "if nothing says which answer is meant, name it: `let welcome: Welcome = cx.request(..).await?`"
)]
pub trait FromValue: Sized {
    /// Opens the value. [`Value::open`] calls it.
    ///
    /// # Errors
    ///
    /// The value itself when it means failure; [`Faulted`] when it is of another type;
    /// [`Refused`](crate::Refused) when it is bytes that do not fit the type.
    fn from_value(value: Value) -> Result<Self, Fault>;
}

impl<S: Select> FromValue for S {
    fn from_value(value: Value) -> Result<Self, Fault> {
        let body = Body::from(value);
        if S::accepts(body.id()) {
            return S::take(body).map_err(Fault::from);
        }
        let is_namesake = S::NAMES.iter().any(|name| short(name) == body.short_name());
        let names: Vec<_> = S::NAMES.iter().map(|name| if is_namesake { name } else { short(name) }).collect();
        Err(another(body.into(), &names.join(" or ")))
    }
}

/// Takes any value that does not mean failure.
impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, Fault> {
        value.into_result()
    }
}

/// Takes any value that does not mean failure, and drops it.
impl FromValue for () {
    fn from_value(value: Value) -> Result<Self, Fault> {
        value.into_result().map(drop)
    }
}

/// Takes faults in.
impl<T: FromValue> FromValue for Result<T, Fault> {
    fn from_value(value: Value) -> Result<Self, Fault> {
        Ok(T::from_value(value))
    }
}

/// The values of a composition.
impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, Fault> {
        several(value, "several values")?.into_iter().map(T::from_value).collect()
    }
}

impl<T: FromValue, const COUNT: usize> FromValue for [T; COUNT] {
    fn from_value(value: Value) -> Result<Self, Fault> {
        let values: Vec<T> = counted(value, COUNT)?.into_iter().map(T::from_value).collect::<Result<_, _>>()?;
        let Ok(values) = values.try_into() else { unreachable!("they were counted") };
        Ok(values)
    }
}

macro_rules! tuples {
    ($type:ident) => {};
    ($first:ident $($type:ident)+) => {
        impl<$first: FromValue, $($type: FromValue),+> FromValue for ($first, $($type),+) {
            fn from_value(value: Value) -> Result<Self, Fault> {
                const COUNT: usize = [stringify!($first), $(stringify!($type)),+].len();
                let mut values = counted(value, COUNT)?.into_iter();
                let mut next = || match values.next() {
                    Some(value) => value,
                    None => unreachable!("they were counted"),
                };
                Ok(($first::from_value(next())?, $($type::from_value(next())?),+))
            }
        }
        tuples!($($type)+);
    };
}

tuples!(A B C D E F G H);

fn counted(value: Value, count: usize) -> Result<Vec<Value>, Fault> {
    let expected = format!("{count} values");
    let values = several(value, &expected)?;
    if values.len() == count {
        return Ok(values);
    }
    Err(Faulted::new(format_args!("expected {expected}, got {}", values.len())).into())
}

fn several(value: Value, expected: &str) -> Result<Vec<Value>, Fault> {
    match value.take::<Values>() {
        Ok(Values(values)) => Ok(values),
        Err(value) => Err(another(value, expected)),
    }
}

/// The error for a value of another type: the value itself when it means failure.
fn another(value: Value, expected: &str) -> Fault {
    match value.into_result() {
        Err(fault) => fault,
        Ok(value) => {
            let is_namesake = expected.split(" or ").any(|name| short(name) == value.short_name());
            let got = if is_namesake { value.name() } else { value.short_name() };
            Faulted::new(format_args!("expected {expected}, got {got}{}", said(&value))).into()
        }
    }
}

/// What the value says, in one line: ` {"reason":"too hot"}`. Nothing when it has no fields, or is so long that only a program
/// would read it.
fn said(value: &Value) -> String {
    if !value.body().encode().is_ok_and(|encoded| encoded.bytes.len() <= MOST_BYTES) {
        return String::new();
    }
    let shown = format!("{value:?}");
    let said = shown.strip_prefix(value.short_name()).unwrap_or_default();
    match said.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{} ..", said.get(..end).unwrap_or_default()),
        None => said.to_owned(),
    }
}
