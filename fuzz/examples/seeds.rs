//! Writes the seeds of all corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut total = 0;
    for seed in tradepost_fuzz::seeds() {
        let folder = corpora.join(seed.target);
        fs::create_dir_all(&folder)?;
        total += seed.bytes.len();
        fs::write(folder.join(seed.name), seed.bytes)?;
    }
    println!("{total} bytes in {}", corpora.display());
    Ok(())
}
