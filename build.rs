//! Links the C++ library that Lua is made with into the program, where the compiler brings it along in one piece: the program then runs
//! where it is not installed, and starts sooner, for thousands of its names need not be bound.

use std::{env, error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS")? != "linux" {
        return Ok(());
    }
    let name = "libstdc++.a";
    let mut compiler = cc::Build::new().cpp(true).try_get_compiler()?.to_command();
    // Where there is no compiler, Lua's own build says so.
    let Ok(asked) = compiler.arg(format!("-print-file-name={name}")).output() else { return Ok(()) };
    let found = String::from_utf8(asked.stdout)?;
    // What a compiler does not find, it prints as it was asked for.
    let found = Path::new(found.trim());
    if found.is_absolute() {
        // Alone in a folder: beside it would lie the one that is bound at each start, which a linker prefers.
        let folder = env::var("OUT_DIR")?;
        std::fs::copy(found, Path::new(&folder).join(name))?;
        println!("cargo::rustc-link-search=native={folder}");
    }
    Ok(())
}
