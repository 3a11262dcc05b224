//! The few MessagePack types that a header consists of, read and written strictly: one spelling for each value, no
//! recursion, and nothing allocated.

use super::error::{FrameError, Part};

const NIL: u8 = 0xc0;

/// Reads values from the front of a frame.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// Where a name or an address can be one of two types.
#[derive(Debug, PartialEq)]
pub(super) enum Either<'a> {
    Integer(i64),
    Text(&'a [u8]),
    Nil,
}

impl<'a> Reader<'a> {
    pub(super) fn new(frame: &'a [u8]) -> Self {
        Self { rest: frame }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The length of an array; its elements follow.
    pub(super) fn array(&mut self, part: Part) -> Result<u32, FrameError> {
        match self.take::<1>(part)? {
            [marker @ 0x90..=0x9f] => Ok(u32::from(marker & 0x0f)),
            [0xdc] => self.longer_than(0x0f, part, Self::u16),
            [0xdd] => self.longer_than(0xffff, part, Self::u32),
            [marker] => Err(FrameError::WrongType { part, marker }),
        }
    }

    pub(super) fn integer(&mut self, part: Part) -> Result<i64, FrameError> {
        match self.value(part)? {
            (_, Either::Integer(integer)) => Ok(integer),
            (marker, Either::Text(_) | Either::Nil) => Err(FrameError::WrongType { part, marker }),
        }
    }

    /// The next value and its marker, if it is one of the types that names and addresses have.
    pub(super) fn value(&mut self, part: Part) -> Result<(u8, Either<'a>), FrameError> {
        let [marker] = self.take(part)?;
        let value = match marker {
            NIL => Either::Nil,
            0xa0..=0xbf => self.text(u32::from(marker & 0x1f), part)?,
            0xd9 => {
                let length = self.longer_than(0x1f, part, Self::u8)?;
                self.text(length, part)?
            }
            0xda => {
                let length = self.longer_than(0xff, part, Self::u16)?;
                self.text(length, part)?
            }
            0xdb => {
                let length = self.longer_than(0xffff, part, Self::u32)?;
                self.text(length, part)?
            }
            _ => Either::Integer(self.number(marker, part)?),
        };
        Ok((marker, value))
    }

    fn number(&mut self, marker: u8, part: Part) -> Result<i64, FrameError> {
        Ok(match marker {
            0x00..=0x7f => i64::from(marker),
            0xe0..=0xff => i64::from(marker.cast_signed()),
            0xcc => i64::from(self.longer_than(0x7f, part, Self::u8)?),
            0xcd => i64::from(self.longer_than(0xff, part, Self::u16)?),
            0xce => i64::from(self.longer_than(0xffff, part, Self::u32)?),
            0xcf => match u64::from_be_bytes(self.take(part)?) {
                0..=0xffff_ffff => return Err(FrameError::NotShortest { part }),
                number => i64::try_from(number).map_err(|_| FrameError::OutOfRange { part })?,
            },
            0xd0 => self.below(-0x20, part, |bytes: [u8; 1]| i8::from_be_bytes(bytes).into())?,
            0xd1 => self.below(i8::MIN.into(), part, |bytes: [u8; 2]| i16::from_be_bytes(bytes).into())?,
            0xd2 => self.below(i16::MIN.into(), part, |bytes: [u8; 4]| i32::from_be_bytes(bytes).into())?,
            0xd3 => self.below(i32::MIN.into(), part, i64::from_be_bytes)?,
            _ => return Err(FrameError::WrongType { part, marker }),
        })
    }

    fn text(&mut self, length: u32, part: Part) -> Result<Either<'a>, FrameError> {
        let truncated = FrameError::Truncated { part };
        let length = usize::try_from(length).map_err(|_| truncated)?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(truncated)?;
        self.rest = rest;
        Ok(Either::Text(text))
    }

    fn take<const N: usize>(&mut self, part: Part) -> Result<[u8; N], FrameError> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(FrameError::Truncated { part })?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn u8(&mut self, part: Part) -> Result<u32, FrameError> {
        self.take(part).map(|bytes| u8::from_be_bytes(bytes).into())
    }

    fn u16(&mut self, part: Part) -> Result<u32, FrameError> {
        self.take(part).map(|bytes| u16::from_be_bytes(bytes).into())
    }

    fn u32(&mut self, part: Part) -> Result<u32, FrameError> {
        self.take(part).map(u32::from_be_bytes)
    }

    /// A number that a shorter form could not hold.
    fn longer_than(
        &mut self,
        shorter: u32,
        part: Part,
        read: impl Fn(&mut Self, Part) -> Result<u32, FrameError>,
    ) -> Result<u32, FrameError> {
        match read(self, part)? {
            number if number > shorter => Ok(number),
            _ => Err(FrameError::NotShortest { part }),
        }
    }

    /// The same for negative integers. A signed form is never the shortest for a positive one.
    fn below<const N: usize>(
        &mut self,
        shorter: i64,
        part: Part,
        read: impl Fn([u8; N]) -> i64,
    ) -> Result<i64, FrameError> {
        match read(self.take(part)?) {
            integer if integer < shorter => Ok(integer),
            _ => Err(FrameError::NotShortest { part }),
        }
    }
}

pub(super) fn write_nil(out: &mut Vec<u8>) {
    out.push(NIL);
}

/// The shortest form of `integer`.
pub(super) fn write_integer(out: &mut Vec<u8>, integer: i64) {
    let [.., b3, b2, b1, b0] = integer.to_be_bytes();
    match integer {
        -0x20..=0x7f => out.push(b0),
        0x80..=0xff => out.extend([0xcc, b0]),
        0x100..=0xffff => out.extend([0xcd, b1, b0]),
        0x1_0000..=0xffff_ffff => out.extend([0xce, b3, b2, b1, b0]),
        0x1_0000_0000.. => write_long(out, 0xcf, integer),
        -0x80..=-0x21 => out.extend([0xd0, b0]),
        -0x8000..=-0x81 => out.extend([0xd1, b1, b0]),
        -0x8000_0000..=-0x8001 => out.extend([0xd2, b3, b2, b1, b0]),
        ..=-0x8000_0001 => write_long(out, 0xd3, integer),
    }
}

fn write_long(out: &mut Vec<u8>, marker: u8, integer: i64) {
    out.push(marker);
    out.extend_from_slice(&integer.to_be_bytes());
}

/// The beginning of an array; its elements follow.
pub(super) fn write_array(out: &mut Vec<u8>, length: u16) {
    let [high, low] = length.to_be_bytes();
    match length {
        0..=0x0f => out.push(0x90 | low),
        _ => out.extend([0xdc, high, low]),
    }
}

/// `text` of at most 65,535 bytes; the caller has seen to that.
pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    let length = text.len();
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=0x1f => out.push(0xa0 | low),
        0x20..=0xff => out.extend([0xd9, low]),
        _ => out.extend([0xda, high, low]),
    }
    out.extend_from_slice(text.as_bytes());
}
