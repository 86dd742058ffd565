//! The JavaScript around a WASM module: once for Node, once for browsers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

pub(crate) fn run(module: &Path, folder: &Path) -> Result<()> {
    for face in ["node", "web"] {
        let folder = folder.join(face);
        let mut bindgen = Bindgen::new();
        bindgen.input_path(module).typescript(true).remove_name_section(true);
        match face {
            "node" => bindgen.nodejs(true)?,
            _ => bindgen.web(true)?,
        };
        bindgen.generate(&folder).with_context(|| format!("binding {} for {face}", module.display()))?;
        // The output for Node is CommonJS, whatever a package.json further up says.
        let kind = if face == "node" { "commonjs" } else { "module" };
        fs::write(folder.join("package.json"), format!("{{ \"type\": \"{kind}\" }}\n"))?;
    }
    Ok(())
}
