//! Who there is: contacts, links, labels, safety numbers.

use client::{AccountId, Device, PhoneNumber};
use qrcode::{Color, QrCode};

use super::{Outcome, chats::overview, done, shown, typed};
use crate::{
    answer::{Comparison, LinkTarget, QrModules},
    browser::now,
    command::Command,
    core::{Inner, internal},
    problem::Problem,
};

/// Bytes of a reason.
const REASON: usize = 2048;
/// Bytes of a link, and of the text that it wants written.
const LINK: usize = 16 << 10;
/// Bytes of a QR code.
const CODE: usize = 1024;

pub(super) async fn run(core: &Inner, command: Command) -> Outcome {
    if let Command::QrCode { text, bytes } = command {
        let content = text.map(String::into_bytes).or(bytes.map(|bytes| bytes.0)).unwrap_or_default();
        return shown(&qr_code(&content)?);
    }
    let device = core.device()?;
    match command {
        Command::Contacts => shown(&device.contacts().await?),
        Command::Contact { account } => shown(&device.contact(account).await?),
        Command::SetContact { account, name } => {
            device.set_contact(account, &name, None).await?;
            done()
        }
        Command::Lookup { number, region } => {
            match lookup(&device, &typed(&number, region.as_deref())?).await? {
                Some(account) => shown(&Some(device.contact(account).await?)),
                None => shown(&None::<client::Contact>),
            }
        }
        Command::OpenLink { link } => shown(&open_link(core, &device, &link).await?),
        Command::Block { account } => {
            device.block(account).await?;
            done()
        }
        Command::Unblock { account } => {
            device.unblock(account).await?;
            done()
        }
        Command::Report { account, reason, block } => {
            if reason.len() > REASON {
                return Err(Problem::invalid("the reason is too long"));
            }
            core.mark(account, |marks| marks.reported = Some(now())).await?;
            if block {
                device.block(account).await?;
            }
            done()
        }
        Command::Label { account } => shown(&device.refresh_label(account).await?),
        Command::LabelShown { account, digest } => {
            device.label_shown(account, &digest.0).await?;
            done()
        }
        Command::SafetyNumber { account } => {
            let number = device.safety_number(account).await?;
            let trust = device.trust(account).await?;
            shown(&Comparison { digits: number.digits, code: number.code, trust })
        }
        Command::CompareScanned { account, code } => shown(&device.verify(account, &code.0).await?),
        Command::SetVerified { account, digits } => {
            device.set_verified(account, digits.as_deref()).await?;
            done()
        }
        Command::AcceptIdentity { account, digits } => {
            device.accept_identity(account, &digits).await?;
            done()
        }
        _ => Err(internal("this command is done elsewhere")),
    }
}

async fn lookup(device: &Device, number: &PhoneNumber) -> Result<Option<AccountId>, Problem> {
    if *number == device.own().number {
        return Ok(Some(device.own().account));
    }
    let found = device.lookup(std::slice::from_ref(number)).await?;
    Ok(found.into_iter().find(|found| found.number == *number).map(|found| found.account))
}

async fn open_link(core: &Inner, device: &Device, link: &str) -> Result<LinkTarget, Problem> {
    let link = link.trim();
    if link.len() > LINK {
        return Err(Problem::invalid("the link is too long"));
    }
    if link.starts_with("tradepost://link?") {
        return Ok(LinkTarget::Device { code: link.to_owned() });
    }
    let (number, text) = match link.split_once('?') {
        Some((before, query)) => {
            let known = ["tradepost://chat", "https://", "http://"];
            if !known.iter().any(|begin| before.starts_with(begin)) {
                return Err(Problem::invalid("this link leads nowhere here"));
            }
            let number =
                part(query, "number").ok_or_else(|| Problem::invalid("this link leads nowhere here"))?;
            (number, part(query, "text").unwrap_or_default())
        }
        None => (link.to_owned(), String::new()),
    };
    let number = typed(&number, None)?;
    let Some(account) = lookup(device, &number).await? else { return Ok(LinkTarget::Nobody { number }) };
    if account != device.own().account {
        // Whether it is a business, and who can read it, is shown before anything is written.
        device.refresh_label(account).await?;
    }
    Ok(LinkTarget::Chat { chat: Box::new(overview(core, device, account).await?), text })
}

/// A part of a query.
fn part(query: &str, name: &str) -> Option<String> {
    let query = query.split('#').next()?;
    let value = query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    // A number that was not escaped begins with a plus sign, which stands for a space.
    String::from_utf8(bytes).ok().map(|text| match text.strip_prefix(' ') {
        Some(digits) if name == "number" => format!("+{digits}"),
        _ => text,
    })
}

fn qr_code(content: &[u8]) -> Result<QrModules, Problem> {
    if content.is_empty() || content.len() > CODE {
        return Err(Problem::invalid("a QR code has 1 to 1024 bytes here"));
    }
    let code = QrCode::new(content).map_err(|_| Problem::invalid("this is too long for a QR code"))?;
    let width = u32::try_from(code.width()).unwrap_or_default();
    let shown = |color: Color| if color == Color::Dark { '1' } else { '0' };
    Ok(QrModules { width, modules: code.into_colors().into_iter().map(shown).collect() })
}
