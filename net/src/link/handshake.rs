//! How two ends agree on keys, and get to know each other's.
//!
//! ```text
//! hello    connector -> listener   preamble [e_I]        16 (clear) or 48 bytes
//! welcome  listener -> connector   preamble [e_R] [C2]   16, 64 (encrypted) or 112 bytes (server authenticated, mutual)
//! finish   connector -> listener   [C3]                  none, 16, or 64 bytes (mutual)
//! ```
//!
//! The order is that of Noise NN and XX. Each box has a nonce that contains everything sent before it, so a changed byte
//! opens nothing. `docs/security.md` has the formulas; the labels here are the ones there.

use std::ops::Range;

use super::preamble::{End, Kind, Mode, PREAMBLE, Preamble, Reason, check_magic};
use super::public_key::PublicKey;
use super::security::Settings;
use super::suite::{Hash, RecordKey, Secret, Shared, TAG, hash, nonce};
use super::trust::Standing;
use super::{Binding, LinkPeer};
use crate::wire::{FrameLimit, LinkError, Outlet};

pub(super) const SUITE: &[u8] = b"FSM-LINK/1 X25519 XChaCha20Poly1305 BLAKE2b";

const KEY: usize = 32;
/// A preamble and an ephemeral key.
const HEAD: usize = PREAMBLE + KEY;
/// A long-term key and its owner's proof, in a box.
const PROOF: usize = TAG + KEY + TAG;

/// The labels of the boxes; that of the proof inside is one higher.
const C2: u8 = 0x02;
const C3: u8 = 0x04;
const UNTRUSTED: u8 = 0x06;
/// The labels of what goes into the record keys, from the three agreements ee, es and se.
const SECRETS: [u8; 3] = [0x10, 0x11, 0x12];

/// What the handshake has led to.
#[derive(Debug)]
pub(super) struct Done {
    /// For what this end writes, and for what it reads. None in a clear link.
    pub(super) keys: Option<[RecordKey; 2]>,
    pub(super) peer: LinkPeer,
    pub(super) standing: Standing,
    /// A listening end does not admit the peer: to be said over the link.
    pub(super) verdict: Result<(), LinkError>,
}

#[derive(Debug)]
enum Stage {
    /// The preamble of a hello or welcome.
    Preamble,
    /// The rest of it.
    Rest(FrameLimit),
    /// The connector's proof.
    Finish(Box<Welcomed>),
}

/// What a listening end remembers between welcome and finish.
#[derive(Debug)]
pub(super) struct Welcomed {
    limit: FrameLimit,
    ee: Shared,
    es: Option<Shared>,
}

/// The handshake of one connection, as far as it has come. Less than 1 KiB with all that it points to.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) end: End,
    pub(super) settings: Settings,
    /// The largest frame that this end accepts.
    pub(super) limit: u32,
    ephemeral: Secret,
    /// Its public half, once it has been said.
    said: Option<PublicKey>,
    transcript: Hash,
    stage: Stage,
    kept: [u8; HEAD + PROOF],
    come: usize,
    due: usize,
}

impl Handshake {
    pub(super) fn new(end: End, settings: Settings, limit: u32, ephemeral: Secret) -> Self {
        let transcript = hash(&[SUITE, settings.realm.as_bytes()]);
        let kept = [0; HEAD + PROOF];
        Self {
            end,
            settings,
            limit,
            ephemeral,
            said: None,
            transcript,
            stage: Stage::Preamble,
            kept,
            come: 0,
            due: PREAMBLE,
        }
    }

    pub(super) fn mode(&self) -> Mode {
        self.settings.mode
    }

    /// The connecting end speaks first.
    pub(super) fn begin(&mut self, out: &mut Outlet<'_>) {
        if self.end == End::Connector {
            self.say(Preamble::hello(self.mode(), self.limit), out);
        }
    }

    /// How many bytes the message that is due still lacks.
    pub(super) fn missing(&self) -> usize {
        self.due - self.come
    }

    /// Takes bytes up to the end of the message that is due. `None`: it wants more.
    pub(super) fn take(&mut self, bytes: &mut &mut [u8], out: &mut Outlet<'_>) -> Result<Option<Done>, LinkError> {
        while self.fill(bytes)? {
            match std::mem::replace(&mut self.stage, Stage::Preamble) {
                Stage::Preamble => self.look_at_preamble(out)?,
                Stage::Rest(limit) if self.end == End::Connector => return self.welcomed(limit, out).map(Some),
                Stage::Rest(limit) => {
                    if let Some(done) = self.greeted(limit, out)? {
                        return Ok(Some(done));
                    }
                }
                Stage::Finish(welcomed) => return self.finished(*welcomed).map(Some),
            }
        }
        Ok(None)
    }

    /// Whether the message that is due has come.
    fn fill(&mut self, bytes: &mut &mut [u8]) -> Result<bool, LinkError> {
        let count = self.missing().min(bytes.len());
        let (taken, rest) = std::mem::take(bytes).split_at_mut(count);
        self.kept[self.come..][..taken.len()].copy_from_slice(taken);
        *bytes = rest;
        self.come += taken.len();
        if matches!(self.stage, Stage::Preamble) {
            check_magic(&self.kept[..self.come])?;
        }
        Ok(self.come == self.due)
    }

    fn look_at_preamble(&mut self, out: &mut Outlet<'_>) -> Result<(), LinkError> {
        let mode = self.mode();
        let preamble = self.kept.first_chunk().map_or_else(|| Err(LinkError::Tampered), Preamble::decode)?;
        let limit = match self.end {
            End::Connector => preamble.check_welcome(mode)?,
            End::Listener => preamble.check_hello(mode).map_err(|(error, reason)| refuse(mode, error, reason, out))?,
        };
        self.due = match (mode, preamble.kind) {
            (Mode::Clear, _) => PREAMBLE,
            (Mode::Encrypted, Kind::Welcome) => HEAD + TAG,
            (_, Kind::Welcome) => HEAD + PROOF,
            _ => HEAD,
        };
        self.stage = Stage::Rest(limit);
        Ok(())
    }

    /// A listening end has read a hello, and answers. A clear link is done with that.
    fn greeted(&mut self, limit: FrameLimit, out: &mut Outlet<'_>) -> Result<Option<Done>, LinkError> {
        if self.mode() == Mode::Clear {
            self.say(Preamble::welcome(self.mode(), self.limit), out);
            return Ok(Some(self.clear(limit)));
        }
        self.mix_kept(0..HEAD);
        let peer = ephemeral(&self.kept)?;
        let ee = self.ephemeral.agree(&peer);
        self.say(Preamble::welcome(self.mode(), self.limit), out);
        let own = self.own(&peer, Mode::ServerAuthenticated);
        let sealed = self.prove(&ee, C2, own.as_ref());
        self.mix(&sealed);
        out.write(&sealed);
        let es = own.map(|(_, es)| es);
        self.stage = Stage::Finish(Box::new(Welcomed { limit, ee, es }));
        self.come = 0;
        self.due = self.finish_size();
        Ok(None)
    }

    /// A connecting end has read a welcome: who wrote it, is that somebody to talk to, and who this end is.
    fn welcomed(&mut self, limit: FrameLimit, out: &mut Outlet<'_>) -> Result<Done, LinkError> {
        if self.mode() == Mode::Clear {
            return Ok(self.clear(limit));
        }
        self.mix_kept(0..HEAD);
        let peer = ephemeral(&self.kept)?;
        if self.said == Some(peer) {
            return Err(LinkError::Tampered); // it is this end's own, come back
        }
        let ee = self.ephemeral.agree(&peer);
        let server = self.verify(&ee, C2, HEAD)?;
        self.mix_kept(HEAD..self.due);
        let standing = match server.as_ref().map(|(key, _)| self.settings.judge(key)) {
            Some(Err(error)) => {
                out.write(&self.refusal(&ee));
                return Err(error);
            }
            Some(Ok(standing)) => standing,
            None => Standing::Unproven,
        };
        let own = self.own(&peer, Mode::Mutual);
        let sealed = self.prove(&ee, C3, own.as_ref());
        self.mix(&sealed);
        out.write(&sealed);
        let ((key, es), se) = (server.unzip(), own.map(|(_, se)| se));
        Ok(self.done(limit, [Some(&ee), es.as_ref(), se.as_ref()], key, standing))
    }

    /// A listening end has read the connector's proof.
    fn finished(&mut self, welcomed: Welcomed) -> Result<Done, LinkError> {
        let Welcomed { limit, ee, es } = welcomed;
        let client = self.verify(&ee, C3, 0).map_err(|error| match self.is_refusal(&ee) {
            true => LinkError::Refused { reason: self.settings.refused_key() },
            false => error,
        })?;
        self.mix_kept(0..self.due);
        let (key, se) = client.unzip();
        let judged = key.as_ref().map_or(Ok(Standing::Unproven), |key| self.settings.judge(key));
        let (standing, verdict) = judged.map_or_else(|error| (Standing::Unproven, Err(error)), |it| (it, Ok(())));
        Ok(Done { verdict, ..self.done(limit, [Some(&ee), es.as_ref(), se.as_ref()], key, standing) })
    }

    /// Writes a preamble, and a fresh key unless the link is clear.
    fn say(&mut self, preamble: Preamble, out: &mut Outlet<'_>) {
        let preamble = preamble.encode();
        if self.mode() == Mode::Clear {
            return out.write(&preamble);
        }
        let public = self.ephemeral.public();
        self.said = Some(public);
        let head = [&preamble[..], public.as_bytes()].concat();
        self.mix(&head);
        out.write(&head);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.transcript = hash(&[&self.transcript, bytes]);
    }

    fn mix_kept(&mut self, range: Range<usize>) {
        self.transcript = hash(&[&self.transcript, &self.kept[range]]);
    }

    fn finish_size(&self) -> usize {
        if self.mode() == Mode::Mutual { PROOF } else { TAG }
    }

    /// This end's long-term key, if it is to be proven in this mode, and what it agrees on with the peer's ephemeral key.
    fn own(&self, peer: &PublicKey, least: Mode) -> Option<(PublicKey, Shared)> {
        let own = self.settings.identity.as_ref().filter(|_| self.mode() >= least)?;
        Some((own.public_key(), own.secret().agree(peer)))
    }

    /// A box for the peer's eyes: the long-term key with a proof that only its owner can have made, or nothing.
    fn prove(&self, ee: &Shared, label: u8, own: Option<&(PublicKey, Shared)>) -> Vec<u8> {
        let mut text = Vec::with_capacity(PROOF);
        if let Some((key, shared)) = own {
            text.extend(key.as_bytes());
            text.extend(shared.seal(&nonce(label + 1, &self.transcript, key.as_bytes()), &mut []));
        }
        self.boxed(ee, label, text)
    }

    fn boxed(&self, ee: &Shared, label: u8, mut text: Vec<u8>) -> Vec<u8> {
        let tag = ee.seal(&nonce(label, &self.transcript, b""), &mut text);
        [&tag[..], &text].concat()
    }

    /// Opens the peer's box, which begins at `start` of what is kept, and checks the proof in it.
    fn verify(&self, ee: &Shared, label: u8, start: usize) -> Result<Option<(PublicKey, Shared)>, LinkError> {
        let text = self.unbox(ee, label, start)?;
        let Some((key, proof)) = text.split_first_chunk::<KEY>() else { return Ok(None) };
        let key = PublicKey::from_bytes(*key).map_err(|_| LinkError::Tampered)?;
        let proof = proof.first_chunk().ok_or(LinkError::Tampered)?;
        let shared = self.ephemeral.agree(&key);
        shared.open(&nonce(label + 1, &self.transcript, key.as_bytes()), &mut [], proof)?;
        Ok(Some((key, shared)))
    }

    fn unbox(&self, ee: &Shared, label: u8, start: usize) -> Result<Vec<u8>, LinkError> {
        let (tag, text) = self.kept[start..self.due].split_first_chunk::<TAG>().ok_or(LinkError::Tampered)?;
        let mut text = text.to_vec();
        ee.open(&nonce(label, &self.transcript, b""), &mut text, tag)?;
        Ok(text)
    }

    /// Instead of the finish: this end does not trust the peer's key. Sealed, so that nobody else can say it.
    fn refusal(&self, ee: &Shared) -> Vec<u8> {
        self.boxed(ee, UNTRUSTED, vec![0; self.finish_size() - TAG])
    }

    fn is_refusal(&self, ee: &Shared) -> bool {
        self.mode().proves_server() && self.unbox(ee, UNTRUSTED, 0).is_ok()
    }

    fn clear(&self, frame_limit: FrameLimit) -> Done {
        let peer = LinkPeer { mode: Mode::Clear, frame_limit, key: None, binding: None };
        Done { keys: None, peer, standing: Standing::Unproven, verdict: Ok(()) }
    }

    /// All messages are exchanged: the keys of both directions, and what is known of the peer.
    fn done(
        &self,
        frame_limit: FrameLimit,
        shared: [Option<&Shared>; 3],
        key: Option<PublicKey>,
        standing: Standing,
    ) -> Done {
        let secrets = shared.into_iter().zip(SECRETS).filter_map(|(shared, label)| Some((shared?, label)));
        let [from_connector, from_listener] = RecordKey::pair(&self.transcript, secrets);
        let keys = match self.end {
            End::Connector => [from_connector, from_listener],
            End::Listener => [from_listener, from_connector],
        };
        let binding = Some(Binding(hash(&[b"bind", &self.transcript])));
        Done {
            keys: Some(keys),
            peer: LinkPeer { mode: self.mode(), frame_limit, key, binding },
            standing,
            verdict: Ok(()),
        }
    }
}

/// The peer's ephemeral key in a hello or welcome.
fn ephemeral(kept: &[u8; HEAD + PROOF]) -> Result<PublicKey, LinkError> {
    let key = kept[PREAMBLE..].first_chunk().ok_or(LinkError::Tampered)?;
    PublicKey::from_bytes(*key).map_err(|_| LinkError::Tampered)
}

fn refuse(mode: Mode, error: LinkError, reason: Option<Reason>, out: &mut Outlet<'_>) -> LinkError {
    if let Some(reason) = reason {
        out.write(&Preamble::refusal(mode, reason).encode());
    }
    error
}
