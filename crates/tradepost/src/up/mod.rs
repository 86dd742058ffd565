//! `tradepost up`: a relay, a host, a sample business and a sample customer in one process, to try all of it.

mod business;
mod control;
mod customer;
mod files;
mod greeting;

use std::{
    fs::TryLockError,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use ::host::Host;
use ::relay::{Relay, StartError, limits::Rate};
use anyhow::{Context as _, bail};

use self::{
    control::Control,
    customer::Customer,
    files::{Demo, Kept, SampleNumber},
};
use crate::{
    host as host_command,
    listening::why,
    logs, relay as relay_command,
    relay_api::callback_url,
    settings,
    signals::Stopping,
    system::{Clock, Entropy},
};

/// Start a relay, a host, a sample business and a sample customer together, to try everything
///
/// Everything is kept in the data folder, and is the same again the next time. Callbacks to this machine over plain HTTP
/// are allowed here, and here only.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost up --data build/try/up
  tradepost up --data build/try/up --listen 127.0.0.1:0 --callback http://127.0.0.1:3000/webhook

When all is there, demo.json in the data folder has what programs need: base_url, token, phone_number_id, waba_id,
business_number, customer_number, app_id, app_secret, verify_token, relay_url; it also is what `tradepost host send --as` reads.
The sample customer writes, reads and answers with `tradepost demo`. Settings: as of tradepost relay and tradepost host, from the environment.")]
pub(crate) struct Flags {
    /// Folder for all of it
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    data: PathBuf,
    /// Where the API listens; port 0 takes a free one. The relay takes a port of its own
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Tell this callback what happens: it is asked with the verify_token of demo.json, which is there by then, whether it
    /// wants to be told
    #[arg(long, value_name = "URL", value_parser = callback_url)]
    callback: Option<String>,
    #[command(flatten)]
    logs: logs::Logs,
}

/// Runs until a signal.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<()> {
    logs::begin(&flags.logs)?;
    let mut stopping = Stopping::new()?;
    files::make_private(&flags.data).with_context(|| flags.data.display().to_string())?;
    let _alone = alone(&flags.data)?;
    // Whoever waits for it waits for this start.
    files::remove(&files::demo(&flags.data))?;
    let all = tokio::select! {
        all = All::start(&flags) => all?,
        name = stopping.next() => bail!("stopped by {name} while it started; nothing is lost, start it again"),
    };
    greeting::show(&flags.data, &all.demo);
    stopping.then(all.stop()).await
}

/// Two of them on one folder would both be the same devices.
fn alone(data: &Path) -> anyhow::Result<std::fs::File> {
    let path = data.join("in-use");
    let file = std::fs::File::create(&path).with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another tradepost up runs on {}", data.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// All that runs.
#[derive(Debug)]
struct All {
    relay: Relay,
    host: Host,
    customer: Arc<Customer>,
    control: Control,
    demo: Demo,
}

impl All {
    async fn start(flags: &Flags) -> anyhow::Result<Self> {
        let mut kept = Kept::read(&flags.data)?;
        let (relay, relay_url) = start_relay(&flags.data, kept.relay_port).await?;
        kept.relay_port = Some(relay.address.port());
        kept.write(&flags.data)?;
        let config = host_config(flags, &relay_url)?;
        let host = Host::start(config.clone(), Arc::new(Clock), Arc::new(Entropy));
        let host = host.await.map_err(|error| why("host", error, "127.0.0.1:0"))?;
        let base_url = serve::url(config.listen.tls.is_some(), host.address);

        let approved = business::at_relay(&flags.data, &relay_url).await.context("the sample business")?;
        let sample = business::at_host(&host, &flags.data, &approved, &mut kept)
            .await
            .context("the sample business")?;
        let customer = Customer::start(&flags.data, &relay_url, sample.account).await;
        let customer = Arc::new(customer.context("the sample customer")?);
        business::knows_customer(&host, sample.number).await?;
        let numbers = host.api.numbers.of_waba(sample.waba).await?;
        let numbers = numbers.iter().map(|number| SampleNumber {
            phone_number_id: number.id.to_string(),
            number: number.number.to_string(),
            registered: number.registered,
        });
        let demo = Demo {
            base_url,
            token: kept.token.clone(),
            phone_number_id: sample.number.to_string(),
            waba_id: sample.waba.to_string(),
            business_id: sample.business.to_string(),
            app_id: kept.app_id.clone(),
            app_secret: kept.app_secret.clone(),
            verify_token: kept.verify_token.clone(),
            business_number: business::NUMBER.to_owned(),
            customer_number: customer::NUMBER.to_owned(),
            relay_url,
            relay_business_id: approved.business.to_string(),
            name: business::NAME.to_owned(),
            numbers: numbers.collect(),
        };
        let control = Control::start(&flags.data, customer.clone())?;
        demo.write(&flags.data)?;
        // Whoever answers there reads the verify token in it.
        if let Some(url) = &flags.callback
            && let Err(error) = business::call_back(&host, &sample, url, &kept.verify_token).await
        {
            files::remove(&files::demo(&flags.data))?;
            return Err(error);
        }
        Ok(Self { relay, host, customer, control, demo })
    }

    /// Nobody is cut off: who asks first, then who answers.
    async fn stop(self) {
        self.control.stop().await;
        self.customer.stop().await;
        self.host.shutdown().await;
        self.relay.shutdown().await;
    }
}

/// On the port it had before, if that is free.
async fn start_relay(data: &Path, port: Option<u16>) -> anyhow::Result<(Relay, String)> {
    let mut config: ::relay::Config =
        settings::merged(relay_command::settings::KIND, None, std::env::vars(), |_| Ok(()), unchecked)?;
    config.data = data.join("relay");
    config.pages = crate::pages::RELAY;
    // For trying: a number may be registered again at once, and many from one machine.
    config.registration.pause_ms = 0;
    config.limits.codes = Rate::new(1000, 100);
    config.limits.registrations = Rate::new(1000, 100);
    config.listen.tls = None;
    let ports = port.into_iter().chain([0]);
    for port in ports {
        config.listen.address = (Ipv4Addr::LOCALHOST, port).into();
        match Relay::start(config.clone(), Arc::new(Clock), Arc::new(Entropy)).await {
            Ok(relay) => {
                let url = format!("http://{}", relay.address);
                return Ok((relay, url));
            }
            Err(StartError::Io { source, .. })
                if port != 0 && source.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).context("the relay does not start"),
        }
    }
    bail!("the relay does not start: no port is free")
}

/// It is checked when all is said.
fn unchecked<T>(_: &T) -> Result<(), std::convert::Infallible> {
    Ok(())
}

fn host_config(flags: &Flags, relay: &str) -> anyhow::Result<::host::Config> {
    let mut config: ::host::Config =
        settings::merged(host_command::settings::KIND, None, std::env::vars(), |_| Ok(()), unchecked)?;
    config.data = flags.data.join("host");
    config.pages = crate::pages::HOST;
    config.listen.address = flags.listen;
    config.relay = relay.to_owned();
    config.webhooks.loopback = true;
    config.validate().context("the host's configuration")?;
    Ok(config)
}
