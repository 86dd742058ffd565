//! `tradepost chat`: one file for each command or small group of them.

mod account;
pub(crate) mod answer;
mod ask;
mod chats;
mod daemon;
mod devices;
mod file;
pub(crate) mod home;
mod label;
pub(crate) mod opened;
pub(crate) mod problem;
mod receive;
mod recipient;
pub(crate) mod render;
mod send;
mod talk;
mod typed;
mod verify;

use std::process::ExitCode;

use self::{opened::Place, problem::Answer, render::Output};

/// Where a relay listens that is told nothing.
pub(crate) const DEFAULT_RELAY: &str = "http://127.0.0.1:8443";

/// Write to people: encrypted end to end, from this terminal or from scripts
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  tradepost chat register +4915112345678 --name Anna
  tradepost chat send +493012345678 'Hello'
  tradepost chat with +493012345678
  tradepost chat --as bank receive --follow --json

Exit codes: 0 done, 1 failed, 2 wrong call, 3 not registered or removed, 4 relay not reached, 5 refused by the relay,
6 the identity of the recipient changed, 7 who can read the chat with a business changed. With --json results are one JSON value in each line, errors too (on standard
error). docs/using-chat.md goes from task to task."
)]
pub(crate) struct Flags {
    #[command(flatten)]
    home: home::Where,
    /// For scripts: JSON, one value in each line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Register(account::Register),
    Link(devices::Link),
    With(talk::Flags),
    Send(Box<send::Flags>),
    Answer(answer::Flags),
    Receive(receive::Flags),
    /// Show all chats
    #[command(after_help = "\
Example:
  tradepost chat chats")]
    Chats,
    History(chats::History),
    Save(file::Save),
    Contacts(chats::Contacts),
    Profile(verify::ProfileFlags),
    Verify(verify::Verify),
    Label(label::Flags),
    ShareNumber(answer::ShareNumber),
    Leave(answer::Leave),
    Block(chats::Block),
    Unblock(chats::Unblock),
    Devices(devices::Devices),
    Account(account::Account),
    Pin(account::Pin),
    Daemon(daemon::Flags),
    DeleteAccount(account::Delete),
    Forget(account::Forget),
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Register(_) => "register",
            Self::Link(_) => "link",
            Self::With(_) => "with",
            Self::Send(_) => "send",
            Self::Answer(_) => "answer",
            Self::Label(_) => "label",
            Self::ShareNumber(_) => "share-number",
            Self::Leave(_) => "leave",
            Self::Receive(_) => "receive",
            Self::Chats => "chats",
            Self::History(_) => "history",
            Self::Save(_) => "save",
            Self::Contacts(_) => "contacts",
            Self::Profile(_) => "profile",
            Self::Verify(_) => "verify",
            Self::Block(_) => "block",
            Self::Unblock(_) => "unblock",
            Self::Devices(_) => "devices",
            Self::Account(_) => "account",
            Self::Pin(_) => "pin",
            Self::Daemon(_) => "daemon",
            Self::DeleteAccount(_) => "delete-account",
            Self::Forget(_) => "forget",
        }
    }
}

/// Runs a command, and says how it went.
pub(crate) async fn run(flags: Flags) -> ExitCode {
    let output = Output { json: flags.json };
    if let Ok(filter) = std::env::var("TRADEPOST_LOG") {
        // For whoever looks for a defect; nothing is logged otherwise.
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        subscriber.init();
    }
    match dispatch(flags, output).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            if output.json {
                eprintln!("{}", serde_json::json!({"error": problem}));
            } else {
                eprintln!("error: {problem}");
            }
            problem.exit.into()
        }
    }
}

async fn dispatch(flags: Flags, output: Output) -> Answer {
    let place = Place::open(&flags.home, output, &format!("chat {}", flags.command.name()))?;
    match flags.command {
        Command::Register(flags) => account::register(place, flags).await,
        Command::Forget(flags) => account::forget(place, flags).await,
        Command::Link(flags) => match flags.url.clone() {
            Some(url) => devices::admit(place.device().await?, &url, flags.yes()).await,
            None => devices::join(place, flags).await,
        },
        Command::With(flags) => talk::run(place.device().await?, flags).await,
        Command::Send(flags) => send::run(place.device().await?, *flags).await,
        Command::Answer(flags) => answer::answer(place.device().await?, flags).await,
        Command::Label(flags) => label::run(place.device().await?, flags).await,
        Command::ShareNumber(flags) => answer::share_number(place.device().await?, flags).await,
        Command::Leave(flags) => answer::leave(place.device().await?, flags).await,
        Command::Receive(flags) => receive::run(place.device().await?, flags).await,
        Command::Chats => chats::chats(place.device().await?).await,
        Command::History(flags) => chats::history(place.device().await?, flags).await,
        Command::Save(flags) => file::save(place.device().await?, flags).await,
        Command::Contacts(flags) => chats::contacts(place.device().await?, flags).await,
        Command::Profile(flags) => verify::profile(place.device().await?, flags).await,
        Command::Verify(flags) => verify::verify(place.device().await?, flags).await,
        Command::Block(flags) => chats::block(place.device().await?, flags.who.as_deref(), true).await,
        Command::Unblock(flags) => chats::block(place.device().await?, Some(&flags.who), false).await,
        Command::Devices(flags) => devices::run(place.device().await?, flags).await,
        Command::Account(flags) => account::account(place.device().await?, flags).await,
        Command::Pin(flags) => account::pin(place.device().await?, flags).await,
        Command::Daemon(flags) => daemon::run(place.device().await?, flags).await,
        Command::DeleteAccount(flags) => account::delete(place.device().await?, flags).await,
    }
}
