//! Licences, bans and sources of all dependencies, for machines without cargo-deny. Reads the same deny.toml
//! and is stricter or equal in what it checks; it knows neither exceptions nor duplicate versions.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

pub(crate) fn run() -> Result<()> {
    let rules: Rules = toml::from_str(&std::fs::read_to_string("deny.toml").context("reading deny.toml")?)?;
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output =
        Command::new(cargo).args(["metadata", "--format-version", "1", "--all-features"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;

    let complaints: Vec<String> =
        metadata.packages.iter().filter_map(|package| rules.complaint(package)).collect();
    if !complaints.is_empty() {
        bail!("deny.toml does not allow:\n  {}", complaints.join("\n  "));
    }
    println!("{} packages: licences, bans and sources are as deny.toml wants them", metadata.packages.len());
    Ok(())
}

/// The part of deny.toml that is checked here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// The part of `cargo metadata` that is read here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// Absent for the packages of this workspace.
    source: Option<String>,
}

impl Rules {
    /// Why `package` may not be used; nothing when it may.
    fn complaint(&self, package: &Package) -> Option<String> {
        let Package { name, version, .. } = package;
        if let Some(ban) = self.bans.deny.iter().find(|ban| ban.name == *name) {
            return Some(format!("{name} {version}: banned, {}", ban.reason));
        }
        if let Some(source) = package.source.as_deref().filter(|source| !source.starts_with("registry+")) {
            return Some(format!("{name} {version}: comes from {source}, not from the registry"));
        }
        let Some(licence) = &package.license else {
            return Some(format!("{name} {version}: names no licence"));
        };
        match Expression::parse_mode(licence, ParseMode::LAX) {
            Err(error) => {
                Some(format!("{name} {version}: cannot read the licence {licence:?}: {}", error.reason))
            }
            Ok(expression)
                if expression.evaluate(|wanted| self.licenses.allow.contains(&wanted.to_string())) =>
            {
                None
            }
            Ok(_) => Some(format!("{name} {version}: the licence {licence} is not in the list")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(name: &str, licence: Option<&str>, source: Option<&str>) -> Option<String> {
        let rules: Rules = toml::from_str(
            r#"
            licenses.allow = ["MIT", "Apache-2.0"]
            bans.deny = [{ crate = "openssl", reason = "rustls instead" }]
            "#,
        )
        .unwrap();
        rules.complaint(&Package {
            name: name.into(),
            version: "1.0.0".into(),
            license: licence.map(Into::into),
            source: source.map(Into::into),
        })
    }

    #[test]
    fn one_allowed_side_of_an_or_is_enough() {
        assert_eq!(complaint("a", Some("GPL-3.0-only OR MIT"), None), None);
        assert_eq!(complaint("a", Some("MIT/Apache-2.0"), None), None);
    }

    #[test]
    fn both_sides_of_an_and_are_needed() {
        assert!(complaint("a", Some("MIT AND GPL-3.0-only"), None).is_some());
        assert!(complaint("a", Some("(MIT OR Apache-2.0) AND NCSA"), None).is_some());
    }

    #[test]
    fn a_licence_with_an_exception_needs_its_own_entry() {
        assert!(complaint("a", Some("Apache-2.0 WITH LLVM-exception"), None).is_some());
    }

    #[test]
    fn a_missing_licence_a_ban_and_a_foreign_source_are_refused() {
        assert!(complaint("a", None, None).is_some());
        assert!(complaint("openssl", Some("MIT"), None).is_some());
        assert!(complaint("a", Some("MIT"), Some("git+ssh://example.org/a")).is_some());
        assert_eq!(complaint("a", Some("MIT"), Some("registry+https://example.org")), None);
    }
}
