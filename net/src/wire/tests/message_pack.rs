//! The strict MessagePack of headers, with `rmp` as the oracle.

use super::super::error::{FrameError, Part};
use super::super::message_pack::{Either, Reader, write_array, write_integer, write_text};
use super::Random;

/// Integers about all the places where the form changes, and chance.
fn integers() -> Vec<i64> {
    let mut random = Random::new(1);
    let mut integers = Vec::new();
    for shift in 0..64 {
        let edge = (1_i128 << shift) as i64;
        for near in -2..=2 {
            integers.extend([edge.wrapping_add(near), edge.wrapping_neg().wrapping_add(near)]);
        }
        integers.extend((0..50).map(|_| (random.next() >> shift).cast_signed()));
    }
    integers
}

#[test]
fn integers_are_written_as_rmp_writes_them_and_read_back() {
    for integer in integers() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        write_integer(&mut ours, integer);
        rmp::encode::write_sint(&mut theirs, integer).expect("a vector takes all");
        assert_eq!(ours, theirs, "{integer}");
        let mut reader = Reader::new(&ours);
        assert_eq!(reader.integer(Part::To), Ok(integer));
        assert_eq!(reader.rest(), []);
    }
}

#[test]
fn texts_and_arrays_are_written_as_rmp_writes_them_and_read_back() {
    for length in (0..600).chain([65_535]) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let text = "x".repeat(length);
        write_text(&mut ours, &text);
        write_array(&mut ours, length as u16);
        rmp::encode::write_str(&mut theirs, &text).expect("a vector takes all");
        rmp::encode::write_array_len(&mut theirs, length as u32).expect("a vector takes all");
        assert_eq!(ours, theirs, "{length}");
        let mut reader = Reader::new(&ours);
        assert_eq!(reader.value(Part::Name), Ok((ours[0], Either::Text(text.as_bytes()))));
        assert_eq!(reader.array(Part::Addresses), Ok(length as u32));
    }
}

/// All forms that can hold an integer, of which only one is the shortest.
fn forms(integer: i64) -> Vec<Vec<u8>> {
    let bytes = integer.to_be_bytes();
    let form = |marker, width: usize| [&[marker], &bytes[8 - width..]].concat();
    let fits = |width: u32, low: i64| {
        let shift = 64 - 8 * width;
        integer >= low && (integer << shift) >> shift == integer
    };
    let mut forms = vec![vec![bytes[7]], form(0xcf, 8), form(0xd3, 8)];
    forms.retain(|form| form.len() == 9 || (-0x20..=0x7f).contains(&integer));
    if integer < 0 {
        forms.retain(|form| form[0] != 0xcf);
    }
    for (width, unsigned, signed) in [(1, 0xcc, 0xd0), (2, 0xcd, 0xd1), (4, 0xce, 0xd2)] {
        if integer >= 0 && integer < 1 << (8 * width) {
            forms.push(form(unsigned, width as usize));
        }
        if fits(width, i64::MIN) {
            forms.push(form(signed, width as usize));
        }
    }
    forms
}

#[test]
fn only_the_shortest_form_of_an_integer_is_read() {
    for integer in integers() {
        let mut shortest = Vec::new();
        write_integer(&mut shortest, integer);
        let forms = forms(integer);
        assert!(forms.contains(&shortest), "{integer}");
        for form in forms {
            let expected =
                if form == shortest { Ok(integer) } else { Err(FrameError::NotShortest { part: Part::From }) };
            assert_eq!(Reader::new(&form).integer(Part::From), expected, "{integer} as {form:02x?}");
        }
    }
}

#[test]
fn longer_forms_of_texts_and_arrays_are_refused() {
    let refused = FrameError::NotShortest { part: Part::Name };
    for form in [&[0xd9, 1, b'a'][..], &[0xda, 0, 40], &[0xdb, 0, 0, 1, 0]] {
        let bytes = [form, &[b'a'; 300]].concat();
        assert_eq!(Reader::new(&bytes).value(Part::Name), Err(refused), "{form:02x?}");
    }
    for form in [&[0xdc, 0, 15][..], &[0xdd, 0, 0, 255, 255]] {
        assert_eq!(Reader::new(form).array(Part::Name), Err(refused), "{form:02x?}");
    }
}

#[test]
fn what_is_read_from_chance_would_be_written_again_byte_for_byte() {
    let mut random = Random::new(2);
    let mut read = 0;
    for _ in 0..200_000 {
        let len = random.below(12);
        let mut bytes = random.bytes(len);
        if let Some(first) = bytes.first_mut()
            && random.one_in(2)
        {
            *first = *random.pick(&[0xc0, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd9, 0xda]);
        }
        let mut reader = Reader::new(&bytes);
        let mut again = Vec::new();
        match reader.value(Part::Name) {
            Ok((_, Either::Integer(integer))) => write_integer(&mut again, integer),
            Ok((_, Either::Text(text))) => match std::str::from_utf8(text) {
                Ok(text) => write_text(&mut again, text),
                Err(_) => continue,
            },
            Ok((marker, Either::Nil)) => again.push(marker),
            Err(_) => continue,
        }
        let taken = bytes.len() - reader.rest().len();
        assert_eq!(again, &bytes[..taken]);
        read += 1;
    }
    assert!(read > 50_000, "chance hits often enough to mean something: {read}");
}

#[test]
fn the_end_of_the_bytes_is_an_error_wherever_it_comes() {
    let check = |whole: &[u8]| {
        for end in 0..whole.len() {
            let cut = Reader::new(&whole[..end]).value(Part::Name);
            assert_eq!(cut, Err(FrameError::Truncated { part: Part::Name }), "{whole:02x?} cut at {end}");
        }
    };
    for integer in [200, 60_000, 1 << 30, 1 << 40, -100, -30_000, -(1 << 30), -(1 << 40)] {
        let mut whole = Vec::new();
        write_integer(&mut whole, integer);
        check(&whole);
    }
    for length in [1, 31, 32, 255, 256, 300] {
        let mut whole = Vec::new();
        write_text(&mut whole, &"x".repeat(length));
        check(&whole);
    }
}

#[test]
fn a_number_that_needs_all_64_bits_is_out_of_range() {
    let bytes = [0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(Reader::new(&bytes).integer(Part::To), Err(FrameError::OutOfRange { part: Part::To }));
}
