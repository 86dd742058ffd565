//! Becoming a device, the account, its devices.

use std::rc::Rc;

use client::{Device, LinkingRequest, Profile, Settings};

use super::{Answered, Outcome, done, shown, typed};
use crate::{
    answer::{AccountState, CodeSent},
    browser::{FileSource, Parts},
    command::Command,
    core::{Inner, internal},
    notice::Erased,
    problem::Problem,
};

pub(super) async fn run(core: &Rc<Inner>, command: Command, file: Option<Parts>) -> Outcome {
    match command {
        Command::Standing => shown(&core.standing()),
        Command::RequestCode { number, region } => {
            let number = typed(&number, region.as_deref())?;
            let (expires_in_ms, retry_after_ms) = Device::request_code(&*core.link, &number).await?;
            shown(&CodeSent { number, expires_in_ms, retry_after_ms })
        }
        Command::DevelopmentCode { number } => {
            shown(&Device::development_code(&*core.link, &typed(&number, None)?).await?)
        }
        Command::Register { number, code, pin, device_name, name } => {
            shown(&core.register(typed(&number, None)?, code, pin, device_name, name).await?)
        }
        Command::BeginLinking { device_name } => shown(&core.begin_linking(device_name).await?),
        Command::CancelLinking => shown(&core.cancel_linking()),
        Command::DeleteAccount => {
            let device = core.device()?;
            core.leave(Erased::Deleted, device.close_account()).await?;
            done()
        }
        Command::SignOut => sign_out(core).await,
        Command::EraseHere => {
            core.erase(None).await?;
            done()
        }
        _ => with_device(&core.device()?, core, command, file).await,
    }
}

/// The primary device can leave only with its account: the relay refuses it then.
async fn sign_out(core: &Inner) -> Outcome {
    let device = core.device()?;
    core.leave(Erased::SignedOut, device.remove_device(device.own().device)).await?;
    done()
}

async fn with_device(device: &Device, core: &Inner, command: Command, file: Option<Parts>) -> Outcome {
    match command {
        Command::ApproveDevice { code } => {
            let request: LinkingRequest = code.parse()?;
            shown(&device.link(&request).await?)
        }
        Command::Account => {
            let account = device.account_at_relay().await?;
            shown(&AccountState {
                account: account.account,
                number: account.number,
                discoverable: account.discoverable,
                registration_lock: account.registration_lock,
                primary: account.device == client::DeviceId::PRIMARY,
            })
        }
        Command::SetDiscoverable { discoverable } => {
            device.set_discoverable(discoverable).await?;
            done()
        }
        Command::SetPin { pin } => {
            device.set_pin(pin.as_deref()).await?;
            done()
        }
        Command::Devices => shown(&device.devices().await?),
        Command::RemoveDevice { device: id } if id == device.own().device => sign_out(core).await,
        Command::RemoveDevice { device: id } => {
            device.remove_device(id).await?;
            done()
        }
        Command::Settings => shown(&device.settings().await?),
        Command::SetSettings { read_in_silence, accept_changed_identities } => {
            let settings = Settings { read_in_silence, accept_changed_identities, ..Settings::default() };
            device.set_settings(settings).await?;
            done()
        }
        Command::Profile { account } => {
            shown(&device.profile_of(account.unwrap_or(device.own().account)).await?)
        }
        Command::SetProfile { name, about, keep_picture } => {
            set_profile(device, name, about, keep_picture, file).await
        }
        _ => Err(internal("this command is done elsewhere")),
    }
}

/// The longest picture: bytes.
const PICTURE: f64 = 4_194_304.0;

async fn set_profile(
    device: &Device,
    name: String,
    about: String,
    keep_picture: bool,
    file: Option<Parts>,
) -> Result<Answered, Problem> {
    let avatar = match file {
        Some(file) if file.size() > PICTURE => return Err(Problem::invalid("the picture is over 4 MiB")),
        Some(file) => Some(device.upload(&mut FileSource(file), None).await?),
        None if keep_picture => {
            device.contact(device.own().account).await?.profile.and_then(|old| old.avatar)
        }
        None => None,
    };
    let profile = Profile { name, about, avatar };
    device.set_profile(&profile).await?;
    shown(&profile)
}
