//! `chats`, `history`, `contacts`, `block`, `unblock`.

use serde_json::json;

use super::{
    opened::Opened,
    problem::{Answer, Problem},
    recipient,
    render::{self, Names},
};

pub(crate) async fn chats(opened: Opened) -> Answer {
    let chats = opened.device.chats().await?;
    let names = opened.names().await?;
    opened.output.show(&json!({"chats": chats}), || {
        if chats.is_empty() {
            return "No chats yet: tradepost chat send +493012345678 'Hello'".to_owned();
        }
        chats.iter().map(|chat| render::chat(chat, &names)).collect::<Vec<_>>().join("\n")
    })
}

/// Show the messages of a chat, the latest last
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat history Bank
  tradepost chat history Bank --limit 100 --before 512 --json")]
pub(crate) struct History {
    /// With whom
    with: String,
    /// How many, at most 1000
    #[arg(long, default_value = "20")]
    limit: usize,
    /// Only those before this message
    #[arg(long, value_name = "MESSAGE", value_parser = super::send::position)]
    before: Option<u64>,
    /// Do not mark them as read
    #[arg(long)]
    no_read: bool,
}

pub(crate) async fn history(opened: Opened, flags: History) -> Answer {
    let with = recipient::find(&opened.device, &flags.with).await?;
    let mut messages = opened.device.history(with, flags.before, flags.limit).await?;
    messages.reverse();
    let names = opened.names().await?;
    opened.output.show(&json!({"messages": messages}), || words(&messages, &names))?;
    let unread = messages.iter().rev().find(|message| message.id.author == with);
    if let Some(last) = unread.filter(|_| !flags.no_read)
        && opened.device.mark_read(with, last.position).await? > 0
    {
        // Best now; whoever is next online tells them otherwise.
        let online = opened.online();
        if let Err(problem) = online.leave().await {
            tracing::debug!(code = problem.code, "read receipts wait");
        }
    }
    Ok(())
}

fn words(messages: &[client::Message], names: &Names) -> String {
    messages.iter().map(|message| render::message(message, names)).collect::<Vec<_>>().join("\n")
}

/// Show whom you know, give them names, find numbers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat contacts
  tradepost chat contacts name +493012345678 Bank
  tradepost chat contacts find +493012345678 +4915112345678 --json")]
pub(crate) struct Contacts {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show them
    #[command(after_help = "\
Example:
  tradepost chat contacts list")]
    List,
    /// Call somebody by a name, on all your devices; an empty one takes it back
    #[command(after_help = "\
Example:
  tradepost chat contacts name +493012345678 Bank")]
    Name {
        /// Whom
        who: String,
        /// The name
        name: String,
    },
    /// Find out who of these numbers is at the relay
    #[command(after_help = "\
Example:
  tradepost chat contacts find +493012345678 +4915112345678")]
    Find {
        /// With their country codes
        #[arg(required = true)]
        numbers: Vec<String>,
    },
}

pub(crate) async fn contacts(opened: Opened, flags: Contacts) -> Answer {
    let device = &opened.device;
    match flags.what.unwrap_or(What::List) {
        What::List => {
            let mut contacts = device.contacts().await?;
            contacts.retain(|contact| contact.account != device.own().account);
            opened.output.show(&json!({"contacts": contacts}), || {
                contacts.iter().map(render::contact).collect::<Vec<_>>().join("\n")
            })
        }
        What::Name { who, name } => {
            let account = recipient::find(device, &who).await?;
            let number = recipient::number(&who).ok();
            device.set_contact(account, &name, number.as_ref()).await?;
            let contact = device.contact(account).await?;
            opened.output.show(&contact, || render::contact(&contact))?;
            tell(&opened).await
        }
        What::Find { numbers } => {
            let numbers =
                numbers.iter().map(|number| recipient::number(number)).collect::<Result<Vec<_>, _>>()?;
            let mut found = Vec::new();
            for numbers in numbers.chunks(100) {
                found.extend(device.lookup(numbers).await?);
            }
            opened.output.show(&json!({"accounts": found}), || {
                let line = |found: &wire::api::FoundAccount| format!("{}  {}", found.number, found.account);
                found.iter().map(line).collect::<Vec<_>>().join("\n")
            })
        }
    }
}

/// Take nothing from somebody any more; they are not told. Without a name: show who is blocked
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat block +493012345678
  tradepost chat block")]
pub(crate) struct Block {
    /// Whom
    pub(crate) who: Option<String>,
}

/// Take what somebody sends from now on again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost chat unblock +493012345678")]
pub(crate) struct Unblock {
    /// Whom
    pub(crate) who: String,
}

pub(crate) async fn block(opened: Opened, who: Option<&str>, blocked: bool) -> Answer {
    let device = &opened.device;
    let names = opened.names().await?;
    let Some(who) = who else {
        let blocks = device.blocks().await?;
        return opened.output.show(&json!({"blocked": blocks}), || {
            blocks.iter().map(|account| names.of(*account)).collect::<Vec<_>>().join("\n")
        });
    };
    let account = recipient::find(device, who).await?;
    if account == device.own().account {
        return Err(Problem::usage("that is yourself"));
    }
    if blocked {
        device.block(account).await?;
    } else {
        device.unblock(account).await?;
    }
    let name = names.of(account);
    opened.output.show(&json!({"account": account, "blocked": blocked}), || {
        if blocked {
            format!("{name} is blocked. Undo: tradepost chat unblock {who}")
        } else {
            format!("{name} is no longer blocked.")
        }
    })?;
    tell(&opened).await
}

/// Tells the other own devices, if there is something to tell.
async fn tell(opened: &Opened) -> Answer {
    if opened.device.outbox_len().await? == 0 {
        return Ok(());
    }
    opened.online().leave().await
}
