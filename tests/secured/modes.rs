//! What both ends are set to in each mode.

use statepoint::link::{Identity, Mode, PublicKey, Seed};

use crate::loopback::Loopback;
use crate::simulated::Simulated;
use crate::world::World;

pub(crate) const MODES: [Mode; 4] = [Mode::Clear, Mode::Encrypted, Mode::ServerAuthenticated, Mode::Mutual];

/// Identities, by the byte that their seeds consist of.
pub(crate) const CLIENT: u8 = 1;
pub(crate) const SERVER: u8 = 2;
pub(crate) const STRANGER: u8 = 9;

pub(crate) fn identity(who: u8) -> Identity {
    Identity::from_seed(Seed::from_bytes([who; 32]))
}

pub(crate) fn key(who: u8) -> PublicKey {
    identity(who).public_key()
}

/// Whether time is virtual, so that it can be measured.
pub(crate) trait Timed: World {
    const IS_VIRTUAL: bool;
}

impl Timed for Simulated {
    const IS_VIRTUAL: bool = true;
}

impl Timed for Loopback {
    const IS_VIRTUAL: bool = false;
}
