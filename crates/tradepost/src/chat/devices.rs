//! `link`, `devices`.

use client::{DeviceId, Linking, LinkingRequest, OwnDevice};
use serde_json::json;

use super::{
    account::device_name,
    ask,
    opened::{Opened, Place},
    problem::{Answer, Problem},
    render,
};

/// Join an account with a new device, or let one join
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat --as anna-laptop link                on the new device: shows a QR code and a URL
  tradepost chat --as anna link 'tradepost://link?…'  on the primary: lets it join")]
pub(crate) struct Link {
    /// What the new device shows; without it, this is the new device
    pub(crate) url: Option<String>,
    /// Do not ask
    #[arg(long, requires = "url")]
    yes: bool,
    /// What the other devices see this one called
    #[arg(long, value_name = "NAME", conflicts_with = "url")]
    device_name: Option<String>,
}

/// On the new device.
pub(crate) async fn join(place: Place, flags: Link) -> Answer {
    if place.home.is_registered() {
        return Err(client::Error::AlreadyRegistered.into());
    }
    let linking = Linking::begin(place.edges().await?).await?;
    let url = linking.url().to_owned();
    let qr = render::qr(url.as_bytes())?;
    place.output.show(&json!({"url": url}), || {
        format!(
            "{qr}\nScan it with the primary device, or there:\n  tradepost chat link '{url}'\n\nWaiting …"
        )
    })?;
    let device = linking.finish(&flags.device_name.unwrap_or_else(device_name)).await?;
    place.home.remember_relay(&place.relay)?;
    let own = device.own().clone();
    place.output.show(&own, || format!("This is device {} of {} now.", own.device, own.number))
}

/// On the primary.
pub(crate) async fn admit(opened: Opened, url: &str, yes: bool) -> Answer {
    let request: LinkingRequest = url.parse()?;
    let question = "A device that you let join reads and writes everything of this account from now on.\n\
                    Go on only if you see this code on a device of your own. Let it join?";
    ask::sure(question, yes).await?;
    let online = opened.online();
    let joined = opened.device.link(&request).await?;
    opened.output.show(&joined, || format!("Joined: {}", words(&joined)))?;
    online.leave().await
}

impl Link {
    pub(crate) fn yes(&self) -> bool {
        self.yes
    }
}

/// Show the devices of this account, or remove one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat devices
  tradepost chat devices remove 2")]
pub(crate) struct Devices {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show them
    #[command(after_help = "\
Example:
  tradepost chat devices list")]
    List,
    /// Remove one: it can neither read nor write any more
    #[command(after_help = "\
Example:
  tradepost chat devices remove 2")]
    Remove {
        /// Its number
        device: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(opened: Opened, flags: Devices) -> Answer {
    let devices = opened.device.devices().await?;
    match flags.what.unwrap_or(What::List) {
        What::List => opened
            .output
            .show(&json!({"devices": devices}), || devices.iter().map(words).collect::<Vec<_>>().join("\n")),
        What::Remove { device, yes } => {
            let id = DeviceId::try_from(device).map_err(|error| Problem::usage(error.to_string()))?;
            let found = devices.iter().find(|known| known.id == id);
            let found = found.ok_or_else(|| Problem::usage(format!("there is no device {id}")))?;
            ask::sure(&format!("Remove {}?", words(found)), yes).await?;
            opened.device.remove_device(id).await?;
            opened.output.show(&json!({"removed": id}), || format!("Device {id} is removed."))
        }
    }
}

fn words(device: &OwnDevice) -> String {
    let name = device
        .name
        .as_deref()
        .map_or_else(|| "(its name cannot be read)".to_owned(), |name| render::line(name, 60));
    let this = if device.this { "  (this one)" } else { "" };
    let primary = if device.id == DeviceId::PRIMARY { "  primary" } else { "" };
    format!("{}  {name}{primary}{this}  since {}", device.id, render::time(device.created))
}
