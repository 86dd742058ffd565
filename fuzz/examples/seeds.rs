//! Writes the seeds of all corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::{io, path::Path};

fn main() -> io::Result<()> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let bytes = tradepost_fuzz::write_seeds(&corpora)?;
    println!("{bytes} bytes in {}", corpora.display());
    Ok(())
}
