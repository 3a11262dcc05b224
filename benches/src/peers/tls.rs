//! TLS 1.3 by the rustls package, with the cipher that it prefers.

use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};

use super::echo::Session;

const NAME: &str = "localhost";

/// What a program sets once.
pub(crate) struct Settings {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Settings {
    /// A fresh certificate, which the client trusts.
    pub(crate) fn new() -> Self {
        let own = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a fresh key");
        let certificate = own.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let mut trusted = RootCertStore::empty();
        trusted.add(certificate.clone()).expect("a certificate");
        let provider = Arc::new(default_provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .expect("the provider has ciphers for it")
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("the provider has ciphers for it")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate with its key");
        Self { client: Arc::new(client), server: Arc::new(server) }
    }

    fn client(&self) -> Connection {
        let name = NAME.try_into().expect("a name");
        ClientConnection::new(Arc::clone(&self.client), name).expect("settings that make sense").into()
    }

    fn server(&self) -> Connection {
        ServerConnection::new(Arc::clone(&self.server)).expect("settings that make sense").into()
    }

    /// A pair of ends whose handshake is over.
    pub(crate) fn sessions(&self) -> (Tls, Tls) {
        let (mut client, mut server) = (Tls(self.client()), Tls(self.server()));
        while client.0.is_handshaking() || server.0.is_handshaking() || client.0.wants_write() || server.0.wants_write()
        {
            pass(&mut client, &mut server);
            pass(&mut server, &mut client);
        }
        (client, server)
    }

    /// A server that has answered a hello, and waits for the client's finish. What it wrote is on the wire.
    pub(crate) fn pending(&self) -> Connection {
        let (mut client, mut server) = (Tls(self.client()), Tls(self.server()));
        pass(&mut client, &mut server);
        server.seal(&[], &mut Vec::new());
        server.0
    }
}

fn pass(from: &mut Tls, to: &mut Tls) {
    let mut wire = Vec::new();
    from.seal(&[], &mut wire);
    to.open(&wire, &mut Vec::new());
}

/// One end of a connection.
pub(crate) struct Tls(Connection);

impl Session for Tls {
    fn seal(&mut self, clear: &[u8], out: &mut Vec<u8>) {
        self.0.writer().write_all(clear).expect("room in its buffer");
        while self.0.wants_write() {
            self.0.write_tls(out).expect("memory");
        }
    }

    fn open(&mut self, mut read: &[u8], clear: &mut Vec<u8>) {
        let mut text = [0; 16 * 1024];
        while !read.is_empty() {
            self.0.read_tls(&mut read).expect("memory");
            self.0.process_new_packets().expect("what the other end wrote");
            loop {
                match self.0.reader().read(&mut text) {
                    Ok(size) => clear.extend_from_slice(&text[..size]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("nobody ends the connection: {error}"),
                }
            }
        }
    }
}
