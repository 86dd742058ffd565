//! Real servers, each a child of the test that needs it.

use std::{
    fs, io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;

/// A user and its group.
type Account = (&'static str, &'static str);

/// A process that ends when this is dropped, and also when the test dies of SIGKILL.
#[derive(Debug)]
struct Server {
    id: u32,
    stop: Option<mpsc::Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts `command` and waits until its port answers.
    fn start(mut command: Command, port: u16, signal: &'static str) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let (stop, stopped) = mpsc::channel();
        let (started, id) = mpsc::channel();
        // The kernel ends the child when the thread that started it ends: so that thread has to stay.
        let keeper = thread::spawn(move || {
            let mut child = command.spawn().expect("the server starts");
            started.send(child.id()).expect("the test waits for it");
            // Ends when the other side is dropped.
            let _ = stopped.recv();
            end(&mut child, signal);
        });
        let id = id.recv().expect("the server starts");
        let server = Self { id, stop: Some(stop), keeper: Some(keeper) };
        let answers = (0..600).any(|_| {
            thread::sleep(Duration::from_millis(50));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        assert!(answers, "process {id} does not answer on port {port}");
        server
    }
}

fn end(child: &mut Child, signal: &str) {
    let id = child.id().to_string();
    let _ = Command::new("kill").args(["-s", signal, &id]).status();
    let _ = child.wait();
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// A command that dies with the thread that starts it, as somebody who is not root.
fn command(program: &Path, user: Option<Account>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some((user, group)) = user {
        command.args(["--reuid", user, "--regid", group, "--clear-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// A port for a server that will be started, killed and started again. It is none that the system gives to who
/// connects somewhere, and until this process ends no other test gets it.
///
/// # Panics
/// If none is free.
#[must_use]
pub fn free_port() -> u16 {
    /// The sockets that say to other tests which ports are taken. Nobody sends anything there.
    static TAKEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    const PORTS: std::ops::Range<u16> = 12_000..32_000;
    let count = u32::from(PORTS.end - PORTS.start);
    let first = std::process::id().wrapping_mul(37) % count;
    for offset in 0..count {
        let port = (first + offset) % count + u32::from(PORTS.start);
        let port = u16::try_from(port).expect("the range is one of ports");
        let Ok(taken) = UdpSocket::bind(("127.0.0.1", port)) else { continue };
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
            return port;
        }
    }
    panic!("no port is free");
}

/// PostgreSQL 15 in a folder of its own, with every setting as it comes: commits wait for the disk.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    server: Option<Server>,
    programs: PathBuf,
    user: Option<Account>,
    folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it.
    ///
    /// # Panics
    /// If the package is not installed or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        // Root may not run it.
        let user = is_root(folder.path()).then(user_of_packages);
        if let Some((user, group)) = user {
            run(Command::new("chown").arg(format!("{user}:{group}")).arg(folder.path()));
        }
        let mut server = Self { port: free_port(), server: None, programs: programs(), user, folder };
        let data = server.folder.path().join("data");
        let mut initdb = command(&server.programs.join("initdb"), user);
        initdb.args(["--username", "tests", "--auth", "trust", "--encoding", "UTF8", "--no-locale"]);
        run(initdb.args(["--no-sync", "--pgdata"]).arg(data).current_dir(server.folder.path()));
        server.resume();
        server
    }

    /// Kills it as a power cut would, apart from the disk.
    pub fn kill(&mut self) {
        // By SIGQUIT: it ends its children, and writes nothing more.
        drop(self.server.take());
    }

    /// Starts it again after [`kill`](Self::kill), on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn resume(&mut self) {
        let mut postgres = command(&self.programs.join("postgres"), self.user);
        postgres.arg("-D").arg(self.folder.path().join("data")).current_dir(self.folder.path());
        postgres.args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-k"]).arg(self.folder.path());
        postgres.stderr(fs::File::create(self.folder.path().join("log")).expect("the folder is ours"));
        self.server = Some(Server::start(postgres, self.port, "QUIT"));
        let answers = (0..200).any(|_| {
            thread::sleep(Duration::from_millis(25));
            self.psql("SELECT 1").status().is_ok_and(|status| status.success())
        });
        assert!(answers, "PostgreSQL refuses connections");
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://tests@127.0.0.1:{}/postgres", self.port)
    }

    /// The process, and those of its children: for measuring them.
    ///
    /// # Panics
    /// If it was killed.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        let id = self.server.as_ref().expect("it runs").id;
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        [id].into_iter().chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }

    pub(super) fn execute(&self, sql: &str) {
        run(&mut self.psql(sql));
    }

    fn psql(&self, sql: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-c", sql]);
        psql.stdout(Stdio::null()).stderr(Stdio::null());
        psql
    }
}

/// Core NATS on a free port.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    arguments: Vec<String>,
    server: Option<Server>,
}

impl Nats {
    /// Starts it.
    ///
    /// # Panics
    /// If the package is not installed or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it with further arguments of its command line.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut nats = Self { port: free_port(), arguments, server: None };
        nats.resume();
        nats
    }

    /// Ends it; clients lose their connections.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it again after [`kill`](Self::kill), on the same port.
    ///
    /// # Panics
    /// If it does not start.
    pub fn resume(&mut self) {
        // Where Debian puts it, which is not in everybody's path.
        let debian = Path::new("/usr/sbin/nats-server");
        let program = if debian.exists() { debian } else { Path::new("nats-server") };
        let mut nats = command(program, None);
        nats.args(["-a", "127.0.0.1", "-p", &self.port.to_string()])
            .args(&self.arguments)
            .stderr(Stdio::null());
        self.server = Some(Server::start(nats, self.port, "KILL"));
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    /// Where it is, without a scheme.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// Where Debian puts the newest server, which is not in the path; else what the path has.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(io::Result::ok);
    let newest = versions.map(|version| version.path().join("bin")).max();
    newest.unwrap_or_default()
}

fn is_root(ours: &Path) -> bool {
    fs::metadata(ours).is_ok_and(|folder| folder.uid() == 0)
}

/// The user that Debian's package makes, or the one that every Debian has.
fn user_of_packages() -> Account {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let there = users.lines().any(|line| line.starts_with("postgres:"));
    if there { ("postgres", "postgres") } else { ("nobody", "nogroup") }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
