//! The README's programs are these files: they compile, their test passes, and the README shows them as they are.

mod programs {
    #![allow(dead_code, unused_imports, reason = "the README's `main` is not called")]

    include!("server.rs");
    include!("client.rs");
    include!("transition.rs");
}

#[test]
fn the_readme_shows_these_files() {
    let readme = include_str!("../../README.md");
    for file in [include_str!("server.rs"), include_str!("client.rs"), include_str!("transition.rs")] {
        assert!(readme.contains(file), "expected the README to contain:\n{file}");
    }
}

#[test]
fn the_readme_shows_the_diagram_of_its_server() {
    use statepoint::Machine as _;

    let diagram = programs::Server::diagram();
    assert!(include_str!("../../README.md").contains(&diagram), "expected the README to contain:\n{diagram}");
}
