//! `register`, `account`, `pin`, `delete-account`, `forget`.

use client::{Device, Error, PhoneNumber, Profile, Registration};
use serde_json::json;
use wire::ErrorCode;

use super::{
    ask,
    opened::{Opened, Place},
    problem::{Answer, Exit, Problem},
    recipient,
};

/// Register a phone number: makes an account with this device as its primary
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat register +4915112345678              asks for the code that was sent
  tradepost chat register +4915112345678 --code 123456
  tradepost chat --as bank register +493012345678 --name 'Musterbank'

A relay on this machine that only prints its codes is asked for them: nothing to type. Registering a number that
already has an account takes it over: its other devices are gone, and contacts see a changed identity.")]
pub(crate) struct Register {
    /// With its country code
    number: String,
    /// The code, if it was sent already
    #[arg(long, value_name = "DIGITS")]
    code: Option<String>,
    /// The PIN, if the number has one; asked for at a terminal
    #[arg(long, env = "TRADEPOST_PIN", hide_env_values = true)]
    pin: Option<String>,
    /// What you are called: shown to those you write to
    #[arg(long)]
    name: Option<String>,
    /// What your other devices see this one called
    #[arg(long, value_name = "NAME")]
    device_name: Option<String>,
    /// Take the code from the relay's development mailbox, or fail
    #[arg(long, conflicts_with = "code")]
    dev: bool,
    /// Do not look into the development mailbox
    #[arg(long, conflicts_with = "dev")]
    no_dev: bool,
}

pub(crate) async fn register(place: Place, flags: Register) -> Answer {
    let number = recipient::number(&flags.number)?;
    let output = place.output;
    if place.home.is_registered() {
        return registered_already(place.device().await?, &number).await;
    }
    let code = match flags.code.clone() {
        Some(code) => code,
        None => code(&place, &number, &flags).await?,
    };
    let mut registration = Registration {
        number: number.clone(),
        code: code.trim().to_owned(),
        pin: flags.pin.clone(),
        device_name: flags.device_name.clone().unwrap_or_else(device_name),
    };
    let device = match Device::register(place.edges().await?, registration.clone()).await {
        Err(error)
            if error.code() == Some(ErrorCode::RegistrationLocked)
                && flags.pin.is_none()
                && ask::somebody() =>
        {
            registration.pin = Some(ask::secret("This number has a PIN:").await?);
            Device::register(place.edges().await?, registration).await?
        }
        registered => registered?,
    };
    place.home.remember_relay(&place.relay)?;
    if let Some(name) = flags.name {
        device.set_profile(&Profile { name, ..Profile::default() }).await?;
    }
    let own = device.own();
    let url = &place.relay.url;
    output.show(
        &json!({"account": own.account, "device": own.device, "number": own.number, "relay": url}),
        || format!("{number} is registered at {url}: account {}.", own.account),
    )
}

/// Doing it twice is no mistake.
async fn registered_already(opened: Opened, number: &PhoneNumber) -> Answer {
    let own = opened.device.own();
    if own.number != *number {
        return Err(Error::AlreadyRegistered.into());
    }
    let account = opened.device.account_at_relay().await?;
    opened
        .output
        .show(&json!({"account": own.account, "device": own.device, "number": account.number}), || {
            format!("{number} is registered here already: account {}.", own.account)
        })
}

/// The code that is sent to the number now.
async fn code(place: &Place, number: &PhoneNumber, flags: &Register) -> Answer<String> {
    let link = place.link()?;
    let asked = Device::request_code(&link, number).await;
    // One that was asked for a moment ago lies there still.
    let there = asked.is_ok() || matches!(asked, Err(Error::Wait { .. }));
    if there && (flags.dev || (!flags.no_dev && client::is_loopback(&place.relay.url))) {
        match Device::development_code(&link, number).await {
            Ok(code) => {
                place.output.note("The relay is one for development and told the code itself.");
                return Ok(code);
            }
            Err(error) if flags.dev => return Err(error.into()),
            Err(_) => {}
        }
    }
    let (good_for, _) = asked?;
    let minutes = good_for / 60_000;
    if !ask::somebody() {
        let message = format!("a code was sent to {number}; it is good for {minutes} minutes");
        return Err(Problem::new(Exit::Failed, "code_needed", message)
            .hint(format!("tradepost chat register {number} --code 123456")));
    }
    ask::line(&format!("The code that was sent to {number} (good for {minutes} minutes):")).await
}

/// What this machine is called, or that it is one.
pub(crate) fn device_name() -> String {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "command line".to_owned() } else { format!("command line on {name}") }
}

/// Show this account and its settings, or change them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat account
  tradepost chat account --discoverable false")]
pub(crate) struct Account {
    /// Whether others find you by your number
    #[arg(long, value_name = "BOOL")]
    discoverable: Option<bool>,
    /// Whether others are told what you have read
    #[arg(long, value_name = "BOOL")]
    read_receipts: Option<bool>,
    /// Whether changed identity keys are accepted without asking, except of those you verified
    #[arg(long, value_name = "BOOL")]
    accept_new_identities: Option<bool>,
}

pub(crate) async fn account(opened: Opened, flags: Account) -> Answer {
    let device = &opened.device;
    if let Some(discoverable) = flags.discoverable {
        device.set_discoverable(discoverable).await?;
    }
    let mut settings = device.settings().await?;
    let before = settings;
    if let Some(told) = flags.read_receipts {
        settings.read_in_silence = !told;
    }
    if let Some(accept) = flags.accept_new_identities {
        settings.accept_changed_identities = accept;
    }
    if settings != before {
        device.set_settings(settings).await?;
    }
    let account = device.account_at_relay().await?;
    let value = json!({
        "account": account.account, "device": account.device, "number": account.number,
        "discoverable": account.discoverable, "registration_lock": account.registration_lock,
        "read_receipts": !settings.read_in_silence,
        "accept_new_identities": settings.accept_changed_identities,
        "waiting_to_be_sent": device.outbox_len().await?,
    });
    opened.output.show(&value, || {
        let told = |yes: bool| if yes { "yes" } else { "no" };
        format!(
            "{}\n  account                 {}\n  this device             {}\n  found by its number     {}\n  \
             PIN for registering     {}\n  read receipts           {}\n  accept new identities   {}",
            account.number,
            account.account,
            account.device,
            told(account.discoverable),
            told(account.registration_lock),
            told(!settings.read_in_silence),
            told(settings.accept_changed_identities),
        )
    })
}

/// Set the PIN that registering your number again asks for, or take it away
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat pin
  tradepost chat pin --remove")]
pub(crate) struct Pin {
    /// 4 to 64 characters; asked for at a terminal
    #[arg(long, env = "TRADEPOST_PIN", hide_env_values = true, conflicts_with = "remove")]
    pin: Option<String>,
    /// Take it away
    #[arg(long)]
    remove: bool,
}

pub(crate) async fn pin(opened: Opened, flags: Pin) -> Answer {
    let pin = match (flags.remove, flags.pin) {
        (true, _) => None,
        (false, Some(pin)) => Some(pin),
        (false, None) if ask::somebody() => {
            let pin = ask::secret("New PIN (4 to 64 characters):").await?;
            if pin != ask::secret("Again:").await? {
                return Err(Problem::failed("the two are not the same; nothing was changed"));
            }
            Some(pin)
        }
        (false, None) => return Err(Problem::usage("--pin PIN or --remove, where nobody can be asked")),
    };
    opened.device.set_pin(pin.as_deref()).await?;
    let set = pin.is_some();
    opened.output.show(&json!({"registration_lock": set}), || {
        if set { "Registering this number again asks for the PIN now." } else { "There is no PIN any more." }
            .to_owned()
    })
}

/// Erase the account: at the relay, and everything of it here. There is no way back
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost chat --as anna delete-account")]
pub(crate) struct Delete {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn delete(opened: Opened, flags: Delete) -> Answer {
    let number = opened.device.own().number.clone();
    if !flags.yes {
        if !ask::somebody() {
            return Err(Problem::usage("this erases the account; --yes says so, where nobody can be asked"));
        }
        eprintln!(
            "This erases the account of {number}: its devices, what waits for it, and all chats here. Nobody can \
             bring them back."
        );
        if ask::line("Type the number to go on:").await? != number.as_str() {
            return Err(Problem::failed("nothing was done"));
        }
    }
    let Opened { device, home, output } = opened;
    device.delete_account().await?;
    let account = device.own().account;
    drop(device);
    home.forget()?;
    output.show(&json!({"deleted": account}), || format!("The account of {number} is erased."))
}

/// Erase this account on this machine only, with its chats. At the relay it stays (a linked device leaves it)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost chat --as anna forget")]
pub(crate) struct Forget {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Has the relay remove this device, unless it is the primary, whose account stays. Whether there is nothing left to do.
async fn taken_leave(place: &Place) -> bool {
    let Ok(edges) = place.edges().await else { return false };
    let Ok(device) = Device::open(edges).await else { return false };
    let own = device.own().device;
    own == client::DeviceId::PRIMARY || device.remove_device(own).await.is_ok()
}

pub(crate) async fn forget(place: Place, flags: Forget) -> Answer {
    let (name, output) = (place.home.name.clone(), place.output);
    ask::sure(&format!("This erases {name:?} with all its chats from this machine. Go on?"), flags.yes)
        .await?;
    // Whatever state the vault is in: the folder goes.
    if place.home.is_registered() && !taken_leave(&place).await {
        output.note("The relay was not told: if this was a linked device, remove it on the primary (chat devices remove).");
    }
    place.home.forget()?;
    output.show(&json!({"forgotten": name}), || format!("{name:?} is erased here."))
}
