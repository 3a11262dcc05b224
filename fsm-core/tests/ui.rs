//! What the macros accept and refuse. Each file in `ui/` is one program; each rule of the language has one that breaks it,
//! and the error it gets is committed beside it. After a change on purpose: `TRYBUILD=overwrite cargo test --test ui`.

#[test]
fn every_rule_of_the_language_has_its_error_and_the_rest_compiles() {
    let tests = trybuild::TestCases::new();
    tests.pass("tests/ui/pass/*.rs");
    tests.compile_fail("tests/ui/*/fail_*.rs");
}
