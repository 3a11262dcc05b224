//! A process of an example program.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long a test waits for a line or an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A port that nobody uses just now.
pub(crate) fn free_port() -> u16 {
    free_ports(1)
}

/// So many ports in a row that nobody uses just now; the first of them.
///
/// They lie below those that the system gives to whoever does not care, so that nobody gets one of them by chance meanwhile.
pub(crate) fn free_ports(count: u16) -> u16 {
    const FIRST: u16 = 16_384;
    const ALL: u16 = 16_384;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs that go on at the same time begin in different places.
    let begin = u16::try_from(std::process::id() % 256).unwrap_or_default() * (ALL / 256);
    for _ in 0..ALL {
        let first = FIRST + begin.wrapping_add(NEXT.fetch_add(count, Ordering::Relaxed)) % (ALL - count);
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
    panic!("expected {count} free ports in a row from {FIRST} on");
}

/// The folder of the examples, which are built when the first of them is asked for. Nothing is to be done when `cargo test`
/// has built them already.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // target/debug/deps/programs-0123456789abcdef
        let test = std::env::current_exe().expect("this program");
        let profile = test.ancestors().nth(2).expect("the folder of a profile");
        // Without cargo, what is there must do.
        if let Some(cargo) = std::env::var_os("CARGO") {
            let name = profile.file_name().and_then(|name| name.to_str()).expect("the name of a profile");
            let target = profile.parent().expect("a target folder");
            let built = Command::new(cargo)
                .args(["build", "--quiet", "--package=statepoint", "--examples", "--profile"])
                .arg(if name == "debug" { "dev" } else { name })
                .arg("--target-dir")
                .arg(target)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(built.expect("cargo").success(), "expected the examples to be built");
        }
        profile.join("examples")
    })
}

fn path(name: &str) -> PathBuf {
    let path = folder().join(name);
    assert!(path.exists(), "expected {}: `cargo build --examples` builds it", path.display());
    path
}

/// A running program. It is killed when the test ends before it does.
pub(crate) struct Program {
    command: String,
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
        let command = format!("{command:?}");
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
        Self { command, child, lines, seen: Default::default(), stdout }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Starts a server at a port that the system chooses, and waits until it listens: the server and its port.
    pub(crate) fn serve(name: &str, flags: &[&str]) -> (Self, u16) {
        let flags = [&["--port=0", "--debug-level=CONSOLE"], flags].concat();
        let server = Self::start(name, &flags);
        let line = server.says("Listening at 127.0.0.1:");
        let port = line.rsplit(':').next().and_then(|port| port.parse().ok());
        (server, port.unwrap_or_else(|| panic!("expected a port, got {line:?}")))
    }

    /// Waits until a line of stderr contains `text`: that line.
    pub(crate) fn says(&self, text: &str) -> String {
        // A program that goes on trying says something new for ever.
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return self.see(line),
                Ok(line) => drop(self.see(line)),
                Err(error) => self.fail(&format!("{text:?}, got {error}")),
            }
        }
    }

    fn see(&self, line: String) -> String {
        let mut seen = self.seen.borrow_mut();
        seen.push_str(&line);
        seen.push('\n');
        line
    }

    fn fail(&self, expected: &str) -> ! {
        self.lines.try_iter().for_each(|line| drop(self.see(line)));
        panic!("{}: expected {expected} after\n{}", self.command, self.seen.borrow())
    }

    /// Waits until a server whose trace shows messages listens.
    pub(crate) fn listening(self) -> Self {
        self.says("Received Listening");
        self
    }

    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    /// Ends it as a crash would, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it is gone");
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill").success(), "the program has ended already");
    }

    /// Waits for the end: the exit code, stdout, stderr.
    pub(crate) fn finish(mut self) -> (i32, String, String) {
        let Ok(stdout) = self.stdout.recv_timeout(PATIENCE) else { self.fail("the end of the program") };
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => drop(self.see(line)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.fail("the end of stderr"),
            }
        }
        let code = self.child.wait().as_ref().map(ExitStatus::code).expect("the program has ended");
        (code.unwrap_or_else(|| self.fail("that it ends by itself")), stdout, self.seen.take())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended in most cases.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
