//! The audit trail: read, and held against itself.

use anyhow::{Context as _, bail};
use relay::operator::audit::Verifier;
use wire::api::{AuditEntry, AuditTrail};

use crate::relay_api::{RelayApi, clean, print_json, time};

/// Show what was decided and changed, or verify that nothing of it was removed, changed or moved
///
/// Note the last line of --verify down somewhere else: with --known, a later run also finds out whether the end of the
/// trail was cut off, or all of it written anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost admin audit --verify --known 12:4f…   of 64 digits, as an earlier one printed")]
pub(super) struct Flags {
    /// Verify the chain of hashes, and print the last entry's number and hash
    #[arg(long)]
    verify: bool,
    /// An entry that must be in it: what an earlier --verify printed
    #[arg(long, value_name = "NUMBER:HASH", requires = "verify")]
    known: Option<String>,
}

pub(super) async fn run(api: &RelayApi, flags: Flags, json: bool) -> anyhow::Result<()> {
    let known = flags.known.as_deref().map(noted).transpose()?;
    let mut verifier = flags.verify.then(|| Verifier::new(known));
    let mut entries: Vec<AuditEntry> = Vec::new();
    let mut after = 0;
    loop {
        let page: AuditTrail = api.get(&format!("/v1/operator/audit?after={after}")).await?;
        for entry in page.entries {
            after = entry.number;
            match &mut verifier {
                Some(verifier) => verifier.take(&entry).context("the trail is not what was written")?,
                None if json => entries.push(entry),
                None => print(&entry),
            }
        }
        if !page.more {
            break;
        }
    }
    let Some(verifier) = verifier else {
        return if json { print_json(&AuditTrail { entries, more: false }) } else { Ok(()) };
    };
    let (number, hash) = verifier.end().context("the trail is not what was written")?;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if json {
        return print_json(&serde_json::json!({ "verified": true, "number": number, "hash": hash }));
    }
    println!("The trail is whole: {number} entries. Note down:\n{number}:{hash}");
    Ok(())
}

fn print(entry: &AuditEntry) {
    let change = match (&*entry.before, &*entry.after) {
        ("", "") => String::new(),
        ("", after) => after.to_owned(),
        (before, after) => format!("{before} → {after}"),
    };
    let line = format!(
        "{:>6}  {}  {:<13} {:<24} {} {change}",
        entry.number,
        time(entry.at),
        entry.who,
        entry.what,
        entry.subject
    );
    println!("{}", clean(line.trim_end()));
}

fn noted(text: &str) -> anyhow::Result<(u64, [u8; 32])> {
    let wrong = "--known: the number and the hash that --verify printed, such as 12:4f…";
    let (number, hex) = text.split_once(':').context(wrong)?;
    let mut hash = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        bail!(wrong);
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        let digits = hex.get(2 * index..2 * index + 2).context(wrong)?;
        *byte = u8::from_str_radix(digits, 16).context(wrong)?;
    }
    Ok((number.parse().context(wrong)?, hash))
}
