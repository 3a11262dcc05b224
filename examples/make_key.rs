//! Makes the file with which a program proves who it is, and shows the public key by which others know it.
//!
//! cargo run --release --example make_key -- --file=server.key
//!
//! The file is for its owner only. A file that is there already stays as it is, and its public key is shown again. Then
//! `--identity=server.key` for the server and `--expect=KEY` for the client.

use statepoint::link::{Identity, PublicKey};
use statepoint::prelude::*;
use std::path::PathBuf;

/// makes the file with which a program proves who it is, and shows its public key
#[derive(Serialize, Deserialize, Settings)]
struct Settings {
    /// the file to make; one that is there stays as it is
    file: PathBuf,
}

/// By what others know the owner of the file.
#[derive(Debug, Serialize, Deserialize, Message)]
#[message(name = "keys.PublicKey")]
struct Known {
    key: PublicKey,
}

fn main() -> std::process::ExitCode {
    statepoint::run(Settings { file: "statepoint.key".into() }, |Settings { file }| {
        routine(async move |_: &mut Routine| -> Result<Known, Fault> {
            let identity = Identity::load_or_create(file).map_err(Faulted::new)?;
            Ok(Known { key: identity.public_key() })
        })
    })
}
