//! What the scripts need Rust for. Not a default member of the workspace, so that `cargo test` does not build
//! it; a member nevertheless, so that one lock file holds both halves of wasm-bindgen at one version.

use anyhow::{Result, bail};

mod bind;
mod dependencies;

const USAGE: &str = "\
cargo run -p xtask -- bind <module.wasm> <folder>   write the JavaScript around a WASM module
cargo run -p xtask -- dependencies                  check licences, bans and sources against deny.toml";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bind", module, folder] => bind::run(module.as_ref(), folder.as_ref()),
        ["dependencies"] => dependencies::run(),
        _ => bail!("usage:\n{USAGE}"),
    }
}
