//! Tests of flags, environment and settings file.

use serde::Deserialize;

use super::*;
use crate::{Settings, SettingsField};

#[derive(Debug, PartialEq, serde::Serialize, Deserialize)]
struct Server {
    server_name: String,
    port: u16,
    loud: bool,
}

impl Settings for Server {
    const HELP: &'static str = "A server.";
    fn fields() -> Vec<SettingsField> {
        vec![SettingsField { name: "port", help: "Where to listen." }]
    }
}

/// A folder of this test's own, gone when the test has ended.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("statepoint-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn file(&self) -> String {
        format!("--settings-file={}", self.0.join("server.json").display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn parse_with(arguments: &[&str], variable: (&str, &str)) -> Result<Flags<Server>, SettingsError> {
    let factory = Server { server_name: "Buster".into(), port: 32011, loud: false };
    let environment = [variable].map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Flags::parse(
        "a-program-that-was-never-stored",
        &factory,
        Level::None,
        arguments.iter().map(OsString::from),
        environment,
    )
}

fn parse(arguments: &[&str]) -> Result<Flags<Server>, SettingsError> {
    parse_with(arguments, ("", ""))
}

#[test]
fn flags_override_the_factory_values_and_leave_the_rest() {
    let flags = parse(&["--port=1", "--loud", "--debug-level=console"]).expect("they are right");
    assert_eq!(flags.settings, Server { server_name: "Buster".into(), port: 1, loud: true });
    assert_eq!((flags.level, flags.task), (Level::Console, Task::Run));
}

#[test]
fn the_environment_is_over_the_file_and_under_the_flags() {
    let folder = Folder::new("layers");
    let stored =
        parse(&["--store-settings", "--port=2", "--server-name=Stored", &folder.file()]).expect("they are right");
    store::save(&stored.file, stored.fields()).expect("it can be stored");

    let port = |arguments: &[&str], variable| {
        let file = folder.file();
        let arguments: Vec<&str> = arguments.iter().copied().chain([file.as_str()]).collect();
        let flags = parse_with(&arguments, variable).expect("they are right");
        (flags.settings.port, flags.settings.server_name)
    };
    assert_eq!(port(&[], ("", "")), (2, "Stored".into()));
    assert_eq!(port(&[], ("STATEPOINT_PORT", "3")), (3, "Stored".into()));
    assert_eq!(port(&["--port=4"], ("STATEPOINT_PORT", "3")), (4, "Stored".into()));
    assert_eq!(port(&["--factory-reset"], ("", "")), (32011, "Buster".into()));
}

#[test]
fn a_setting_that_does_not_exist_is_an_error_in_a_file_that_was_named_and_a_note_in_the_programs_own() {
    let folder = Folder::new("older");
    let path = folder.0.join("server.json");
    std::fs::write(&path, r#"{"prot": 5, "loud": true}"#).expect("it can be written");
    let told = "`prot` in the settings file";
    let error = parse(&[&folder.file()]).expect_err("it does not exist").to_string();
    assert!(error.contains(told) && error.contains("did you mean `port`?"), "{error}");

    // What is nearly a setting is a mistake in any file; something else may be of an older version.
    assert!(parse(&["--store-settings", &folder.file()]).is_err());
    std::fs::write(&path, r#"{"colour": 5, "loud": true}"#).expect("it can be written");
    let own = parse(&["--store-settings", &folder.file()]).expect("an older version stored it");
    assert!(own.settings.loud && own.notes.len() == 1, "{:?}", own.notes);
    assert!(
        own.notes[0].to_string().starts_with("`colour` in the settings file") && !own.fields().contains_key("colour")
    );
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_an_error_and_others_are_somebody_elses() {
    let error = parse_with(&[], ("STATEPOINT_PROT", "7")).expect_err("it is no setting").to_string();
    assert_eq!(error, "STATEPOINT_PROT is no setting of this program, did you mean STATEPOINT_PORT? (see --help)");
    let error =
        parse_with(&[], ("STATEPOINT_SETTINGS_FILE", "/etc/x.json")).expect_err("it is a flag only").to_string();
    assert!(error.contains("did you mean --settings-file?"), "{error}");
    assert!(parse_with(&["--help"], ("STATEPOINT_PROT", "7")).is_ok(), "help is always there");
    assert!(parse_with(&[], ("STATEPOINT_COMPLETELY_ELSE", "7")).is_ok());
    assert!(parse_with(&[], ("STATEPOINT_HOME", "/tmp")).is_ok());
    let level = |arguments: &[&str]| parse_with(arguments, ("STATEPOINT_DEBUG_LEVEL", "trace")).expect("right").level;
    assert_eq!((level(&[]), level(&["--debug-level=fault"])), (Level::Trace, Level::Fault));
}

#[test]
fn a_broken_file_is_named_with_its_reason() {
    let folder = Folder::new("broken");
    std::fs::write(folder.0.join("server.json"), "{").expect("it can be written");
    let error = parse(&[&folder.file()]).expect_err("it is broken").to_string();
    assert!(error.contains("server.json") && error.contains("EOF"), "{error}");
}

#[test]
fn a_file_that_everybody_can_write_is_not_believed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("open");
    let path = folder.0.join("server.json");
    std::fs::write(&path, "{}").expect("it can be written");
    let with_mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    with_mode(0o666);
    let error = parse(&[&folder.file()]).expect_err("anybody may have written it").to_string();
    assert!(error.contains("everybody can write it"), "{error}");
    with_mode(0o664);
    assert!(parse(&[&folder.file()]).is_ok());
}

#[test]
fn an_unknown_flag_is_answered_with_the_one_that_was_meant() {
    let error = parse(&["--prot=32011"]).expect_err("it is unknown");
    assert_eq!(error.to_string(), "unknown flag --prot, did you mean --port? (see --help)");
    assert!(matches!(parse(&["--completely-else=1"]), Err(SettingsError::Unknown { meant: None, .. })));
}

#[test]
fn a_wrong_value_is_answered_with_what_was_expected() {
    let error = parse(&["--port=many"]).expect_err("it is no number");
    assert_eq!(error.to_string(), "expected --port=NUMBER, got `many`");
    let error = parse(&["--port=70000"]).expect_err("it is no port").to_string();
    assert!(error.starts_with("`port=70000`, from --port, does not fit: ") && error.contains("u16"), "{error}");
    let error = parse(&["--port", "70000"]).expect_err("they are apart").to_string();
    assert_eq!(error, "expected --port=70000, got `--port 70000`");
    assert!(matches!(parse(&["--port"]), Err(SettingsError::NoValue { .. })));
    assert!(matches!(parse(&["--settings-file"]), Err(SettingsError::NoValue { .. })));
    assert!(matches!(parse(&["stray"]), Err(SettingsError::NoFlag { .. })));
    let error = parse_with(&[], ("STATEPOINT_LOUD", "perhaps")).expect_err("it is no answer");
    assert_eq!(error.to_string(), "expected STATEPOINT_LOUD=true|false, got `perhaps`");
}

#[test]
fn a_switch_takes_no_value() {
    let error = parse(&["--factory-reset=false"]).expect_err("it is a switch").to_string();
    assert_eq!(error, "expected --factory-reset alone, got `--factory-reset=false`");
}

#[test]
fn a_flag_is_over_a_value_of_another_type_in_the_file() {
    let folder = Folder::new("typed");
    std::fs::write(folder.0.join("server.json"), r#"{"port": "many"}"#).expect("it can be written");
    assert_eq!(parse(&["--port=7", &folder.file()]).expect("the flag is right").settings.port, 7);
}

#[test]
fn the_help_lists_every_flag_with_its_value_and_what_it_is_for() {
    let flags = parse(&["--help"]).expect("it is right");
    assert_eq!(flags.task, Task::Help);
    let help = flags.help("server");
    assert!(help.starts_with("server: A server."), "{help}");
    assert!(help.contains("--port=32011                 Where to listen."), "{help}");
    assert!(help.contains("--server-name=Buster") && help.contains("--store-settings"), "{help}");
}

#[test]
fn a_field_with_the_name_of_a_flag_of_every_program_is_an_error() {
    #[derive(serde::Serialize, Deserialize, Debug)]
    struct Clash {
        help: bool,
    }
    impl Settings for Clash {
        const HELP: &'static str = "";
        fn fields() -> Vec<SettingsField> {
            Vec::new()
        }
    }
    let error = Flags::parse("clash", &Clash { help: false }, Level::None, [], []).expect_err("they clash");
    assert!(error.to_string().contains("`help` is a flag of every program"), "{error}");
}

#[derive(Debug, PartialEq, serde::Serialize, Deserialize, crate::Settings)]
struct Nested {
    #[serde(flatten)]
    at: crate::ListenSettings,
    nick: Option<String>,
    age: Option<u8>,
    ports: Vec<u16>,
    names: Vec<String>,
}

fn nested_with(arguments: &[&str], variable: (&str, &str)) -> Result<Flags<Nested>, SettingsError> {
    let at = crate::ListenSettings::at("localhost", 1);
    let factory = Nested { at, nick: None, age: None, ports: vec![7], names: Vec::new() };
    let arguments = arguments.iter().map(OsString::from);
    let environment = [variable].map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Flags::parse("a-program-that-was-never-stored", &factory, Level::None, arguments, environment)
}

fn nested(arguments: &[&str]) -> Result<Nested, SettingsError> {
    nested_with(arguments, ("", "")).map(|flags| flags.settings)
}

#[test]
fn the_fields_of_a_flattened_field_are_flags_with_their_help() {
    let settings = nested(&["--port=2", "--encrypted", "--identity=42"]).expect("they are right");
    assert_eq!((settings.at.port, settings.at.encrypted), (2, true));
    assert_eq!(settings.at.identity, Some("42".into()), "a file may be called like a number");
    let help = <Nested as Settings>::fields();
    let names: Vec<_> = help.iter().map(|field| field.name).collect();
    assert_eq!(names, ["host", "port", "encrypted", "identity", "allow", "nick", "age", "ports", "names"]);
    assert!(help[1].help.starts_with("the port"));
}

#[test]
fn an_option_takes_a_text_as_it_stands_and_a_number_where_one_belongs() {
    let settings = nested(&["--nick=true", "--age=42"]).expect("they are right");
    assert_eq!((settings.nick.as_deref(), settings.age), (Some("true"), Some(42)));
    assert!(matches!(nested(&["--age=old"]), Err(SettingsError::Unfit { .. })));
}

#[test]
fn a_list_is_given_one_by_one_or_whole() {
    let settings = nested(&["--names=Ann", "--ports=1", "--names=7", "--ports=2"]).expect("they are right");
    assert_eq!((settings.names, settings.ports), (vec!["Ann".into(), "7".into()], vec![1, 2]));
    assert_eq!(nested(&["--ports=[3,4]"]).expect("it is right").ports, [3, 4]);
    assert_eq!(nested(&[]).expect("they are right").ports, [7]);
    let error = nested(&["--allow=nobody"]).expect_err("it is no key");
    let error = error.to_string();
    assert!(error.starts_with("`allow=[\"nobody\"]`, from --allow,") && error.contains("public key"), "{error}");
}

#[test]
fn a_list_in_the_environment_takes_the_place_of_what_was_there() {
    let settings = nested_with(&[], ("STATEPOINT_PORTS", "8")).expect("it is right").settings;
    assert_eq!(settings.ports, [8]);
    let flags = nested_with(&["--ports=9"], ("STATEPOINT_PORTS", "[7,8]")).expect("they are right");
    assert_eq!(flags.settings.ports, [9]);
}

#[test]
fn who_takes_the_last_key_out_of_a_list_lets_nobody_in() {
    let error = nested(&["--allow=[]"]).expect_err("everybody could come").to_string();
    assert!(error.contains("expected at least one key, got an empty list"), "{error}");
    let key = fsm_net::link::Identity::from_seed(fsm_net::link::Seed::from_bytes([7; 32])).public_key();
    let settings = nested(&[&format!("--allow={key}")]).expect("it is one");
    assert_eq!(settings.at.allow, [key]);
    let again = serde_json::to_string(&settings).and_then(|text| serde_json::from_str::<Nested>(&text));
    assert_eq!(again.expect("it can be read again"), settings);
    let two = nested(&[&format!("--allow={key}"), &format!("--allow={key}")]).expect("they are two");
    assert_eq!((two.at.allow.len(), nested(&["--allow=null"]).expect("it is nothing").at.allow.len()), (2, 0));
}

#[test]
fn a_host_has_no_port() {
    let error = nested(&["--host=127.0.0.1:33011"]).expect_err("it has one").to_string();
    assert!(error.contains("expected a host alone"), "{error}");
    for host in ["::1", "fe80::1%eth0", "server.lab"] {
        assert_eq!(nested(&[&format!("--host={host}")]).expect("it is one").at.host, host);
    }
}

#[derive(Debug, PartialEq, serde::Serialize, Deserialize, crate::Settings)]
struct Relay {
    #[serde(flatten)]
    at: crate::ListenSettings,
    /// where messages go on to
    to: crate::ConnectSettings,
}

fn relay(arguments: &[&str]) -> Result<Flags<Relay>, SettingsError> {
    let (at, to) = (crate::ListenSettings::at("0.0.0.0", 1), crate::ConnectSettings::to("localhost", 2));
    let arguments = arguments.iter().map(OsString::from);
    Flags::parse("a-program-that-was-never-stored", &Relay { at, to }, Level::None, arguments, [])
}

#[test]
fn the_flags_of_a_struct_that_is_not_flattened_begin_with_its_name() {
    let flags = relay(&["--port=3", "--to-port=4", "--to-encrypted"]).expect("they are right");
    assert_eq!((flags.settings.at.port, flags.settings.to.port, flags.settings.to.encrypted), (3, 4, true));
    assert!(flags.help("relay").contains("--to-host=localhost"), "{}", flags.help("relay"));

    let folder = Folder::new("nested");
    let path = folder.0.join("server.json");
    std::fs::write(&path, r#"{"to": {"port": 5}}"#).expect("it can be written");
    let settings = relay(&[&folder.file()]).expect("it is right").settings;
    assert_eq!((settings.to.port, settings.to.host.as_str()), (5, "localhost"));
    std::fs::write(&path, r#"{"to": {"prot": 5}}"#).expect("it can be written");
    let error = relay(&[&folder.file()]).expect_err("it does not exist").to_string();
    assert!(error.contains("`to.prot` in the settings file") && error.contains("`port`"), "{error}");
    std::fs::write(&path, r#"{"to": {"port": "5"}}"#).expect("it can be written");
    let error = relay(&[&folder.file()]).expect_err("it is a text").to_string();
    assert!(error.starts_with("`to_port=\"5\"`, from the settings file"), "{error}");
    assert!(relay(&["--help", &folder.file()]).is_ok(), "help is always there");
    std::fs::write(&path, r#"{"to": {"pinned": 5}}"#).expect("it can be written");
    let error = relay(&[&folder.file()]).expect_err("it does not exist").to_string();
    assert!(error.starts_with("`to.pinned` in the settings file"), "{error}");
}

#[test]
fn a_setting_that_is_a_map_keeps_keys_of_its_own() {
    #[derive(Debug, serde::Serialize, Deserialize, crate::Settings)]
    struct Prices {
        prices: std::collections::BTreeMap<String, u32>,
    }
    let folder = Folder::new("map");
    std::fs::write(folder.0.join("server.json"), r#"{"prices": {"cherry": 5}}"#).expect("it can be written");
    let factory = Prices { prices: [("apple".into(), 3)].into() };
    let flags = Flags::parse("prices", &factory, Level::None, [OsString::from(folder.file())], []).expect("right");
    assert_eq!(flags.settings.prices, [("apple".into(), 3), ("cherry".into(), 5)].into());
}

#[test]
fn two_flattened_structs_with_the_same_names_are_an_error_that_says_what_to_do() {
    #[derive(Debug, serde::Serialize, Deserialize, crate::Settings)]
    struct Both {
        #[serde(flatten)]
        at: crate::ListenSettings,
        #[serde(flatten)]
        to: crate::ConnectSettings,
    }
    let (at, to) = (crate::ListenSettings::at("0.0.0.0", 1), crate::ConnectSettings::to("localhost", 2));
    let error = Flags::parse("both", &Both { at, to }, Level::None, [], []).expect_err("they clash").to_string();
    assert!(error.contains("`encrypted`: two of them are named") && error.contains("flatten"), "{error}");
}

#[test]
fn the_help_has_no_values_for_what_is_not_set() {
    let help = nested_with(&["--help"], ("", "")).expect("it is right").help("nested");
    assert!(
        help.contains("--nick=VALUE ") && help.contains("--names=VALUE ") && help.contains("--ports=[7] "),
        "{help}"
    );
}

#[test]
fn a_settings_file_that_was_named_must_be_there() {
    let folder = Folder::new("missing");
    let error = parse(&[&folder.file()]).expect_err("it is not there");
    assert!(matches!(error, SettingsError::File { .. }), "{error}");
    assert!(parse(&["--store-settings", &folder.file()]).is_ok(), "it is about to be made");
    assert!(parse(&["--factory-reset", &folder.file()]).is_ok(), "it is to be gone");
}
