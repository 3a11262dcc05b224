//! Which connections' peers hold which addresses, so that exactly these are told when a point has ended.

use std::collections::BTreeSet;

use fsm_core::Address;

use crate::net::Token;

/// One entry for each address that one peer was given: the point of this process that leads there, what lies beyond it, and the
/// peer's connection. Each connection's table bounds its part.
#[derive(Default)]
pub(super) struct Holders(BTreeSet<(Address, u64, Token)>);

impl Holders {
    /// The peer of the connection was given the address.
    pub(super) fn note(&mut self, address: Address, token: Token) {
        self.0.insert((address.near(), address.far(), token));
    }

    /// The connection has ended, or its peer has been told that the address leads nowhere.
    pub(super) fn forget(&mut self, address: Address, token: Token) {
        self.0.remove(&(address.near(), address.far(), token));
    }

    /// Whether some peer was given the address.
    pub(super) fn has(&self, address: Address) -> bool {
        let key = (address.near(), address.far());
        self.0.range((key.0, key.1, Token::LEAST)..).next().is_some_and(|entry| (entry.0, entry.1) == key)
    }

    /// Whose peers hold the address. From now on nobody does.
    pub(super) fn take(&mut self, address: Address) -> Vec<Token> {
        let key = (address.near(), address.far());
        let from = self.0.range((key.0, key.1, Token::LEAST)..);
        let tokens: Vec<_> = from.take_while(|entry| (entry.0, entry.1) == key).map(|(.., token)| *token).collect();
        for token in &tokens {
            self.forget(address, *token);
        }
        tokens
    }

    /// Whose peers hold the point, or something that lies beyond it, and what. From now on nobody does.
    pub(super) fn take_with_all_beyond(&mut self, point: Address) -> Vec<(Address, Token)> {
        let near = point.near();
        let from = self.0.range((near, 0, Token::LEAST)..).take_while(|entry| entry.0 == near);
        let held: Vec<_> = from.map(|(near, far, token)| (near.with_far(*far), *token)).collect();
        for (address, token) in &held {
            self.forget(*address, *token);
        }
        held
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
