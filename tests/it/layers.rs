//! The modules' order in the library: a stage knows the stages before it, never those after it.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn no_module_knows_one_that_comes_after_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let library = fs::read_to_string(source.join("lib.rs")).unwrap();
    let modules: Vec<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(modules.len() > 10, "{modules:?}");
    let mut known = 0;
    for (at, module) in modules.iter().enumerate() {
        for file in files_of(&source, module) {
            let text = fs::read_to_string(&file).unwrap();
            for named in named_in(&text) {
                let place = modules.iter().position(|module| *module == named);
                let place = place.unwrap_or_else(|| panic!("{}: {named}", file.display()));
                assert!(place <= at, "{} knows {named}", file.display());
                known += usize::from(place < at);
            }
        }
    }
    assert!(known > 100, "{known}");
}

fn files_of(source: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = vec![source.join(format!("{module}.rs"))];
    let mut folders = vec![source.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.retain(|file| file.extension().is_some_and(|of| of == "rs") && file.exists());
    files
}

/// The modules that are named: `crate::policy::…`, or `crate::{policy, wire}`.
fn named_in(text: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for after in text.split("crate::").skip(1) {
        let listed = after.strip_prefix('{').and_then(|list| list.split('}').next());
        match listed {
            Some(list) => named.extend(list.split(',').map(word).filter(|name| !name.is_empty())),
            None => named.push(word(after)),
        }
    }
    named
}

fn word(text: &str) -> &str {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    &text[..end.unwrap_or(text.len())]
}
