//! A process of an example program.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long a test waits for a line or an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A port that nobody uses just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Where cargo puts the examples: beside the tests.
fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let path = test.parent().and_then(|deps| deps.parent()).expect("a target folder").join("examples").join(name);
    assert!(path.exists(), "expected {}: `cargo test` and `cargo build --examples` build it", path.display());
    path
}

/// A running program. It is killed when the test ends before it does.
pub(crate) struct Program {
    child: Child,
    /// The lines of stderr.
    lines: Receiver<String>,
    /// Those that were looked at.
    seen: std::cell::RefCell<String>,
    stdout: Receiver<String>,
}

impl Program {
    pub(crate) fn start(name: &str, flags: &[&str]) -> Self {
        Self::spawn(Command::new(path(name)).args(flags))
    }

    /// A program that may have so many descriptors.
    pub(crate) fn start_with_descriptors(descriptors: u32, name: &str, flags: &[&str]) -> Self {
        let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
        Self::spawn(Command::new("/bin/sh").arg("-c").arg(script).arg(path(name)).args(flags))
    }

    fn spawn(command: &mut Command) -> Self {
        // Neither the user's stored settings nor the environment are to matter.
        let command = command.env_clear().env("STATEPOINT_HOME", "/nonexistent");
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let (line, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let (whole, stdout) = channel();
        let mut pipe = child.stdout.take().expect("piped");
        std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).expect("text");
            whole.send(text)
        });
        Self { child, lines, seen: Default::default(), stdout }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of stderr contains `text`.
    pub(crate) fn says(&self, text: &str) {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line =
                line.unwrap_or_else(|error| panic!("expected {text:?}, got {error} after\n{}", self.seen.borrow()));
            let mut seen = self.seen.borrow_mut();
            seen.push_str(&line);
            seen.push('\n');
            if line.contains(text) {
                return;
            }
        }
    }

    /// Waits until a server whose trace shows messages listens.
    pub(crate) fn listening(self) -> Self {
        self.says("Received Listening");
        self
    }

    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill").success(), "the program has ended already");
    }

    /// Waits for the end: the exit code, stdout, stderr.
    pub(crate) fn finish(mut self) -> (i32, String, String) {
        let stdout = self.stdout.recv_timeout(PATIENCE).expect("the program ends");
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    let mut seen = self.seen.borrow_mut();
                    seen.push_str(&line);
                    seen.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("expected the end of stderr after\n{}", self.seen.borrow()),
            }
        }
        let code = self.child.wait().as_ref().map(ExitStatus::code).expect("the program has ended");
        (code.expect("it ended by itself"), stdout, self.seen.take())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended in most cases.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
