//! Finds the pages that `scripts/web.sh` left in `web/pages`, and writes the list of them that the binary embeds.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let crate_folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let pages = crate_folder.join("../../web/pages").canonicalize()?;
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", pages.display());
    let mut list = String::new();
    for name in ["app", "console", "operator"] {
        let folder = pages.join(name);
        let mut found = Vec::new();
        if folder.is_dir() {
            files(&folder, &mut found)?;
        }
        found.sort();
        let _infallible = writeln!(list, "pub(super) static {}: &[Asset] = &[", name.to_uppercase());
        for path in &found {
            asset(&folder, path, &mut list)?;
        }
        list.push_str("];\n");
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("pages.rs");
    fs::write(target, list)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if !path.extension().is_some_and(|end| end == "br" || end == "gz") {
            found.push(path);
        }
    }
    Ok(())
}

fn asset(folder: &Path, path: &Path, list: &mut String) -> io::Result<()> {
    let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let beside = |end: &str| {
        let packed = PathBuf::from(format!("{}.{end}", path.display()));
        if packed.is_file() { format!("Some(include_bytes!({packed:?}))") } else { "None".to_owned() }
    };
    let (brotli, gzip) = (beside("br"), beside("gz"));
    let tag = tag(&fs::read(path)?);
    let _infallible = writeln!(
        list,
        "Asset {{ path: {name:?}, tag: \"\\\"{tag:016x}\\\"\", plain: include_bytes!({path:?}), brotli: {brotli}, gzip: {gzip} }},",
    );
    Ok(())
}

/// FNV-1a: it only tells one version from another.
fn tag(content: &[u8]) -> u64 {
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
