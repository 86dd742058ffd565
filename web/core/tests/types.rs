//! The TypeScript types are generated from the Rust ones: `src-ts/types.ts` is what this test would write.
//!
//! `UPDATE=1 cargo test -p tradepost-web-core --test types` writes it. It knows the attributes of serde that are used here,
//! and fails at any other, so that no type is described wrongly in silence.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod declared;

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use declared::declaration;

/// Where the types are.
const SOURCES: &[&str] = &[
    "src/command.rs",
    "src/answer.rs",
    "src/notice.rs",
    "src/problem.rs",
    "../../crates/client/src/message.rs",
    "../../crates/client/src/interactive.rs",
    "../../crates/client/src/card.rs",
    "../../crates/client/src/label.rs",
    "../../crates/client/src/menu.rs",
    "../../crates/client/src/device/trust.rs",
    "../../crates/client/src/event.rs",
];

/// Types of which a page hears nothing.
const LEFT_OUT: &[&str] = &["SafetyNumber"];

const HEADER: &str = "\
// Generated from the Rust types by web/core/tests/types.rs; change those, then
// UPDATE=1 cargo test -p tradepost-web-core --test types

/** An account, of a person or a business: a UUID. */
export type AccountId = string;
/** Number of a device within its account: 1 to 127, 1 being the primary. */
export type DeviceId = number;
/** A phone number in E.164. */
export type PhoneNumber = string;
/** Bytes: base64 with padding. */
export type Base64 = string;
";

#[test]
fn the_typescript_types_are_those_of_rust() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut declared = BTreeMap::new();
    let mut text = HEADER.to_owned();
    for source in SOURCES {
        let file = syn::parse_file(&fs::read_to_string(here.join(source)).unwrap()).unwrap();
        for item in file.items {
            let Some((name, declaration)) = declaration(&item) else { continue };
            if LEFT_OUT.contains(&name.as_str()) {
                continue;
            }
            assert!(declared.insert(name.clone(), source).is_none(), "{name} is declared twice");
            write!(text, "\n{declaration}").unwrap();
        }
    }
    let path = here.join("src-ts/types.ts");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "src-ts/types.ts is older than the Rust types: {}",
        HEADER.lines().nth(1).unwrap()
    );
}
