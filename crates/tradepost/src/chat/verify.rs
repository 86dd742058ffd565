//! `verify`, `profile`.

use std::path::PathBuf;

use client::{AccountId, Profile, SafetyNumber, Trust};
use serde_json::json;

use super::{
    file,
    opened::Opened,
    problem::{Answer, Exit, Problem},
    recipient, render,
};

/// Compare safety numbers: whether nobody stands between you and somebody
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat verify Bank                        shows the number; compare it over another way
  tradepost chat verify Bank --qr                   also as a QR code
  tradepost chat verify Bank --is '12345 67890 …'   compares it with what they read out
  tradepost chat verify Bank --mark                 you compared it yourself
  tradepost chat verify Bank --accept-new-identity  they have a new phone: send to it again")]
pub(crate) struct Verify {
    /// Whom
    who: String,
    /// Show it as a QR code too
    #[arg(long)]
    qr: bool,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Change {
    /// The 60 digits that they see; verifies them if they are the same
    #[arg(long, value_name = "DIGITS")]
    is: Option<String>,
    /// Note that you compared the number that this command showed before
    #[arg(long)]
    mark: bool,
    /// Take that back
    #[arg(long)]
    unmark: bool,
    /// Send to their changed identity key, whose number this command showed before, from now on
    #[arg(long)]
    accept_new_identity: bool,
}

pub(crate) async fn verify(opened: Opened, flags: Verify) -> Answer {
    let device = &opened.device;
    let account = recipient::find(device, &flags.who).await?;
    let number = device.safety_number(account).await?;
    let change = &flags.change;
    if let Some(shown) = &change.is {
        let shown: String = shown.chars().filter(char::is_ascii_digit).collect();
        if shown != number.digits {
            let message = "the safety numbers are not the same: somebody may stand between you";
            return Err(Problem::new(Exit::IdentityChanged, "safety_number_differs", message).hint(
                "Compare again, over a way that nobody else can change; then do not send anything secret.",
            ));
        }
    }
    if change.mark {
        must_be_shown(&opened, &number, &flags.who)?;
    }
    if change.is.is_some() || change.mark {
        device.set_verified(account, Some(&number.digits)).await?;
    } else if change.unmark {
        device.set_verified(account, None).await?;
    } else if change.accept_new_identity {
        accept_shown(&opened, account, &flags.who).await?;
    }
    opened.home.remember_number(&number.digits)?;
    let trust = device.trust(account).await?;
    let qr = if flags.qr { Some(render::qr(&number.code.0)?) } else { None };
    let name = opened.names().await?.of(account);
    let value =
        json!({"account": account, "safety_number": number.digits, "code": number.code, "trust": trust});
    opened.output.show(&value, || {
        let trust = match trust {
            Trust::Verified => "You have compared it.",
            Trust::Changed => {
                "THEIR IDENTITY CHANGED: nothing is sent to them until you compared this and said --mark, or \
                 --accept-new-identity."
            }
            Trust::Unknown | Trust::FirstUse => "Not compared yet. They must see the same: then --mark.",
        };
        let qr = qr.map(|qr| format!("{qr}\n\n")).unwrap_or_default();
        format!("Safety number with {name}:\n\n{}\n\n{qr}{trust}", render::digits(&number.digits))
    })?;
    // What was held goes out now.
    if device.outbox_len().await? > 0 { opened.online().leave().await } else { Ok(()) }
}

/// What a person decides is about the number that they were shown: not about one that came since.
fn must_be_shown(opened: &Opened, number: &SafetyNumber, who: &str) -> Answer {
    if opened.home.was_shown(&number.digits)? {
        return Ok(());
    }
    let message = "you were not shown this safety number yet: look at it, then decide";
    Err(Problem::new(Exit::IdentityChanged, "safety_number_not_shown", message)
        .hint(format!("tradepost chat verify {who}")))
}

/// Accepts a changed identity key, if it is the one whose number was shown. Where nothing changed nothing is to be done.
pub(crate) async fn accept_shown(opened: &Opened, account: AccountId, who: &str) -> Answer {
    if opened.device.trust(account).await? != Trust::Changed {
        return Ok(());
    }
    let number = opened.device.safety_number(account).await?;
    must_be_shown(opened, &number, who)?;
    Ok(opened.device.accept_identity(account, &number.digits).await?)
}

/// Show what somebody says of themselves, or set what you say
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat profile
  tradepost chat profile --name 'Anna Muster' --about 'On holiday' --avatar me.jpg
  tradepost chat profile Bank

The relay cannot read it: those you write to can.")]
pub(crate) struct ProfileFlags {
    /// Whose; without it, your own
    #[arg(conflicts_with_all = ["name", "about", "avatar"])]
    who: Option<String>,
    /// What you are called
    #[arg(long)]
    name: Option<String>,
    /// A few words
    #[arg(long)]
    about: Option<String>,
    /// A picture
    #[arg(long, value_name = "FILE")]
    avatar: Option<PathBuf>,
}

pub(crate) async fn profile(opened: Opened, flags: ProfileFlags) -> Answer {
    let device = &opened.device;
    let account = match &flags.who {
        Some(who) => recipient::find(device, who).await?,
        None => device.own().account,
    };
    let mut profile = device.profile_of(account).await?;
    if flags.name.is_some() || flags.about.is_some() || flags.avatar.is_some() {
        let mut new = profile.unwrap_or_default();
        new.name = flags.name.unwrap_or(new.name);
        new.about = flags.about.unwrap_or(new.about);
        if let Some(path) = &flags.avatar {
            new.avatar = Some(file::upload(&opened, path, String::new()).await?.blob);
        }
        device.set_profile(&new).await?;
        profile = Some(new);
    }
    opened.output.show(&json!({"account": account, "profile": profile}), || match &profile {
        Some(Profile { name, about, avatar }) => {
            let picture = if avatar.is_some() { "\n(with a picture)" } else { "" };
            format!("{}\n{}{picture}", render::line(name, 200), render::clean(about)).trim_end().to_owned()
        }
        None => "They say nothing of themselves, or have never written to you.".to_owned(),
    })
}
