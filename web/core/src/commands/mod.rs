//! What each command does: one call of the device, mostly.

mod account;
mod chats;
mod files;
mod people;
mod search;
mod sending;

use std::rc::Rc;

use client::PhoneNumber;
use serde::Serialize;

use crate::{browser::Parts, command::Command, core::Inner, problem::Problem};

/// An answer in JSON, and the file that belongs to it.
pub(crate) struct Answered {
    pub(crate) json: String,
    pub(crate) file: Option<Parts>,
}

type Outcome = Result<Answered, Problem>;

/// An answer without a file.
fn shown(value: &impl Serialize) -> Outcome {
    let json = serde_json::to_string(value).map_err(|_| crate::core::internal("the answer is no JSON"))?;
    Ok(Answered { json, file: None })
}

/// Done, and nothing to say.
fn done() -> Outcome {
    shown(&())
}

/// Does what a command says.
pub(crate) async fn run(core: &Rc<Inner>, command: Command, file: Option<Parts>) -> Outcome {
    // Each arm is boxed: one future for all of them would be as large as the largest, and is copied.
    match command {
        Command::Standing
        | Command::RequestCode { .. }
        | Command::DevelopmentCode { .. }
        | Command::Register { .. }
        | Command::BeginLinking { .. }
        | Command::CancelLinking
        | Command::ApproveDevice { .. }
        | Command::Account
        | Command::SetDiscoverable { .. }
        | Command::SetPin { .. }
        | Command::Devices
        | Command::RemoveDevice { .. }
        | Command::Settings
        | Command::SetSettings { .. }
        | Command::Profile { .. }
        | Command::SetProfile { .. }
        | Command::DeleteAccount
        | Command::SignOut
        | Command::EraseHere => Box::pin(account::run(core, command, file)).await,
        Command::Contacts
        | Command::Contact { .. }
        | Command::SetContact { .. }
        | Command::Lookup { .. }
        | Command::OpenLink { .. }
        | Command::Block { .. }
        | Command::Unblock { .. }
        | Command::Report { .. }
        | Command::Label { .. }
        | Command::LabelShown { .. }
        | Command::SafetyNumber { .. }
        | Command::CompareScanned { .. }
        | Command::SetVerified { .. }
        | Command::AcceptIdentity { .. }
        | Command::QrCode { .. } => Box::pin(people::run(core, command)).await,
        Command::Send { .. }
        | Command::SendMedia { .. }
        | Command::SendContacts { .. }
        | Command::SendLocation { .. }
        | Command::Answer { .. }
        | Command::Choices { .. }
        | Command::Typing { .. }
        | Command::SetTimer { .. }
        | Command::SetMarketing { .. }
        | Command::ShareNumber { .. }
        | Command::HideNumber { .. }
        | Command::AskErasure { .. } => Box::pin(sending::run(core, command, file)).await,
        Command::Download { .. } | Command::Storage | Command::ForgetFiles | Command::Export => {
            Box::pin(files::run(core, command)).await
        }
        _ => Box::pin(chats::run(core, command)).await,
    }
}

/// The number that a person typed.
fn typed(number: &str, region: Option<&str>) -> Result<PhoneNumber, Problem> {
    let number = PhoneNumber::from_typed(number, region.filter(|region| !region.is_empty()));
    number.map_err(|_| Problem::invalid("this is no phone number"))
}
