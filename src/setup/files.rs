//! The files that tell what a repository is made of: those of a commit, at its root and one folder below.

use crate::{
    model::{Error, Result},
    repo::Repo,
};
use gix::ObjectId;
use std::collections::BTreeMap;

/// Folders that hold other people's projects, or none.
const FOREIGN: [&str; 8] = ["node_modules", "vendor", "third_party", "target", "dist", "build", "testdata", "fixtures"];

/// Most folders at the root that are looked into.
const FOLDERS: usize = 200;

/// The files of a commit, by folder: the root is "".
pub(super) struct Files<'r> {
    repo: &'r Repo,
    commit: ObjectId,
    folders: BTreeMap<String, Vec<String>>,
}

/// One folder of them.
#[derive(Clone, Copy)]
pub(super) struct Folder<'f> {
    files: &'f Files<'f>,
    /// Empty for the root.
    pub path: &'f str,
}

impl<'r> Files<'r> {
    pub fn of(repo: &'r Repo, commit: ObjectId) -> Result<Files<'r>> {
        let mut files = Files { repo, commit, folders: BTreeMap::new() };
        let below = files.look_into("")?;
        for folder in below.iter().filter(|folder| !folder.starts_with('.') && !FOREIGN.contains(&folder.as_str())).take(FOLDERS) {
            files.look_into(folder)?;
        }
        for folder in [".github", ".github/workflows", ".gitlab", ".circleci"] {
            files.look_into(folder)?;
        }
        Ok(files)
    }

    /// Keep the files of a folder; gives the folders in it.
    fn look_into(&mut self, folder: &str) -> Result<Vec<String>> {
        let reading = |e: &dyn std::fmt::Display| Error::git(format_args!("list the files of {}", self.commit), e);
        let mut tree = self.repo.git.find_commit(self.commit).map_err(|e| reading(&e))?.tree().map_err(|e| reading(&e))?;
        if !folder.is_empty() {
            let entry = tree.lookup_entry_by_path(folder).map_err(|e| reading(&e))?;
            let Some(entry) = entry.filter(|entry| entry.mode().is_tree()) else { return Ok(Vec::new()) };
            tree = entry.object().map_err(|e| reading(&e))?.into_tree();
        }
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in tree.iter() {
            let entry = entry.map_err(|e| reading(&e))?;
            // Nothing that is looked for has a name that is no text.
            let Ok(name) = std::str::from_utf8(entry.filename()) else { continue };
            match entry.mode() {
                mode if mode.is_tree() => folders.push(name.to_string()),
                mode if mode.is_blob() => files.push(name.to_string()),
                _ => {}
            }
        }
        files.extend(folders.iter().map(|folder| format!("{folder}/")));
        self.folders.insert(folder.to_string(), files);
        Ok(folders)
    }

    /// The folder at `path`; an empty one where there is none.
    pub fn folder<'f>(&'f self, path: &'f str) -> Folder<'f> {
        Folder { files: self, path }
    }

    /// The root and the folders below it that were looked into, hidden ones left out.
    pub fn folders(&self) -> impl Iterator<Item = Folder<'_>> {
        self.folders.keys().filter(|path| !path.starts_with('.')).map(|path| self.folder(path))
    }
}

impl Folder<'_> {
    /// The names in it; those of folders end in a slash.
    pub fn names(&self) -> &[String] {
        self.files.folders.get(self.path).map_or(&[], Vec::as_slice)
    }

    /// Whether the folder `name` in it, with its slash, has a file whose name ends in `suffix`, as far as it was looked into.
    pub fn holds(&self, name: &str, suffix: &str) -> bool {
        let below = self.path_of(name.trim_end_matches('/'));
        self.files.folders.get(&below).is_none_or(|names| names.iter().any(|name| name.ends_with(suffix)))
    }

    pub fn has(&self, name: &str) -> bool {
        self.names().iter().any(|known| known == name)
    }

    /// The first of `names` that is there.
    pub fn first<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().find(|name| self.has(name)).copied()
    }

    /// The first file whose name ends in `suffix`.
    pub fn ending(&self, suffix: &str) -> Option<&str> {
        self.names().iter().find(|name| name.ends_with(suffix)).map(String::as_str)
    }

    /// The path of `name` in it, from the root.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}/{name}", self.path) }
    }

    /// What a file of it says; nothing where there is none, or it cannot be read, as in a partial clone.
    pub fn text(&self, name: &str) -> String {
        let content = if self.has(name) { self.files.repo.read_file(self.files.commit, &self.path_of(name)).ok().flatten() } else { None };
        String::from_utf8_lossy(&content.unwrap_or_default()).into_owned()
    }
}
