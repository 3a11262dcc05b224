//! Messages shown to people: as text, as JSON, as `Debug`.

use core::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use crate::address::Address;
use crate::body::Body;
use crate::codec::from_bytes;
use crate::compose::Values;
use crate::extension::Extension;
use crate::graph;
use crate::value::Value;

/// A body without its type.
enum Tree {
    Nil,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    Address(Address),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    /// Whether it is the body of a struct without fields, which MessagePack has as an empty list.
    fn is_nothing(&self) -> bool {
        match self {
            Self::Nil => true,
            Self::List(items) => items.is_empty(),
            _ => false,
        }
    }
}

/// The type's name, then a line for each field.
pub(crate) fn text(body: &Body) -> String {
    let mut out = String::from(body.short_name());
    match tree(body) {
        Some(Tree::Map(fields)) => lines(&mut out, &fields, 1),
        Some(tree) if tree.is_nothing() => {}
        None => {}
        Some(other) => {
            out.push(' ');
            json_value(&mut out, &other);
        }
    }
    out
}

/// The body as JSON.
pub(crate) fn json(body: &Body) -> String {
    let mut out = String::new();
    json_value(&mut out, &tree(body).unwrap_or_else(|| Tree::Text(body.name().into())));
    out
}

/// `Hello {"my_name":"Gladys"}`; only the name when the message has no serde.
pub(crate) fn debug(body: &Body, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(body.short_name())?;
    match tree(body) {
        None => Ok(()),
        Some(tree) if tree.is_nothing() => Ok(()),
        Some(tree) => {
            let mut out = String::from(" ");
            json_value(&mut out, &tree);
            f.write_str(&out)
        }
    }
}

fn tree(body: &Body) -> Option<Tree> {
    if let Some(Values(values)) = body.peek() {
        return Some(Tree::List(values.iter().map(member).collect()));
    }
    let encoded = body.encode().ok()?;
    from_bytes(&encoded.bytes, encoded.addresses).ok()
}

/// One of several values, under its type's name.
fn member(value: &Value) -> Tree {
    let body = value.body();
    let inner = tree(body).filter(|tree| !tree.is_nothing());
    let name = Tree::Text(body.short_name().to_owned());
    match inner {
        Some(inner) => Tree::Map(vec![(name, inner)]),
        None => name,
    }
}

fn lines(out: &mut String, fields: &[(Tree, Tree)], depth: usize) {
    for (name, value) in fields {
        out.push('\n');
        for _ in 0..depth {
            out.push_str("+   ");
        }
        match name {
            Tree::Text(name) => out.push_str(name),
            other => json_value(out, other),
        }
        out.push(':');
        match value {
            Tree::Map(inner) if !inner.is_empty() => lines(out, inner, depth + 1),
            value => {
                out.push(' ');
                json_value(out, value);
            }
        }
    }
}

fn json_value(out: &mut String, tree: &Tree) {
    // Writing into a `String` cannot fail.
    let _ = match tree {
        Tree::Nil => out.write_str("null"),
        Tree::Bool(value) => write!(out, "{value}"),
        Tree::Signed(value) => write!(out, "{value}"),
        Tree::Unsigned(value) => write!(out, "{value}"),
        Tree::Float(value) if value.is_finite() => write!(out, "{value:?}"),
        Tree::Float(value) => write!(out, "\"{value}\""),
        Tree::Text(value) => json_text(out, value),
        Tree::Address(value) => json_text(out, &value.to_string()),
        Tree::Bytes(value) => json_list(out, value, |out, byte| json_value(out, &Tree::Unsigned((*byte).into()))),
        Tree::List(values) => json_list(out, values, json_value),
        Tree::Map(fields) => {
            out.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_name(out, name);
                out.push(':');
                json_value(out, value);
            }
            out.write_char('}')
        }
    };
}

/// JSON allows only text as a name: another key is written as the text of its JSON.
fn json_name(out: &mut String, name: &Tree) {
    match name {
        Tree::Text(_) | Tree::Address(_) => json_value(out, name),
        other => {
            let mut text = String::new();
            json_value(&mut text, other);
            let _ = json_text(out, &text);
        }
    }
}

fn json_list<T>(out: &mut String, values: &[T], mut write: impl FnMut(&mut String, &T)) -> fmt::Result {
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, value);
    }
    out.write_char(']')
}

fn json_text(out: &mut String, text: &str) -> fmt::Result {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => write!(out, "\\u{:04x}", u32::from(control))?,
            other => out.push(other),
        }
    }
    out.write_char('"')
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grow)
    }
}

struct Grow;

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nil)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Nil)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        Tree::deserialize(inner)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Signed(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Unsigned(value))
    }

    fn visit_f32<E>(self, value: f32) -> Result<Tree, E> {
        Ok(Tree::Float(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.into()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Tree, E> {
        Ok(Tree::Bytes(value.into()))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Tree, D::Error> {
        // The only newtype in MessagePack is an extension: a node of a graph, or an address.
        let extension = Extension::read_inside(inner)?;
        match graph::index(extension) {
            Some(index) => Ok(Tree::Unsigned(index.into())),
            None => crate::address::from_extension(extension).map(Tree::Address),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = sequence.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Tree::Map(fields))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Tree, A::Error> {
        let (name, variant): (Tree, _) = access.variant()?;
        Ok(Tree::Map(vec![(name, variant.newtype_variant()?)]))
    }
}
