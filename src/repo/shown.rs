//! What a work tree shows, and turning it from that to something near it without git: a process that looks at every file twice takes longer
//! than many a gate.

use super::changes::{Changed, File};
use gix::{
    attrs::StateRef,
    bstr::{BStr, BString, ByteSlice},
    index::{
        self,
        entry::{Flags, Mode, Stage, Stat, stat},
    },
    worktree::stack::state::{attributes, ignore},
};
use rustix::fs::OFlags;
use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs::{DirEntry, OpenOptions},
    io::Write,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

/// How many bytes of files are held in memory to be written; git writes more than that bit by bit.
const MOST_BYTES: u64 = 64 << 20;

/// Attributes by which git makes another content of a file than its blob has (gitattributes(5)).
const CONVERTING: [&str; 4] = ["filter", "ident", "working-tree-encoding", "eol"];

/// How files are compared with what was noted of them: by all that the system tells.
const EXACT: stat::Options = stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };

/// A work tree as git or [`Shown::turn`] has left it, before anybody else was let in.
pub(super) struct Shown {
    git: gix::ThreadSafeRepository,
    /// Each file with what the system tells of it (gitformat-index(5)).
    index: index::File,
    /// When the index was written: a file that was not older then may have changed since without a trace.
    written: stat::Time,
    /// What lies in the folder of git, and its configuration.
    git_files: HashSet<OsString>,
    config: Vec<u8>,
}

/// What [`Shown::look`] has found to be as it was left.
pub(super) struct Looked {
    shown: Shown,
    others: Others,
}

/// Something here is not as it was left, or not of the simple kind: git must do it, and tells what is wrong if it cannot.
struct Unlike;

impl<E: std::error::Error> From<E> for Unlike {
    fn from(_: E) -> Self {
        Unlike
    }
}

/// What [`Shown::look`] finds besides the files that it knows.
#[derive(PartialEq, Eq)]
enum Others {
    /// Nothing, or only what git ignores.
    Ignored,
    /// What `git clean` removes.
    Left,
}

impl Shown {
    /// What the work tree in `dir` shows; `None` where it is of no simple kind.
    pub fn read(dir: &Path) -> Option<Shown> {
        let git = gix::open(dir).ok()?;
        let config = git.config_snapshot();
        let is_on = |key: &str| config.boolean(key) == Some(true);
        let is_plain = !is_on("core.ignoreCase") && !is_on("core.precomposeUnicode") && config.boolean("core.symlinks") != Some(false);
        let path = git.index_path();
        let index = index::File::at(&path, git.object_hash(), false, index::decode::Options::default()).ok()?;
        let is_plain_entry = |entry: &index::Entry| {
            entry.stage() == Stage::Unconflicted && !entry.flags.contains(Flags::SKIP_WORKTREE) && is_usual(entry.mode)
        };
        if !is_plain || !index.entries().iter().all(is_plain_entry) {
            return None;
        }
        let written = stat_of(&path.symlink_metadata().ok()?).mtime;
        let (git_files, config) = (names(git.git_dir())?, std::fs::read(git.git_dir().join("config")).ok()?);
        Some(Shown { git: git.into_sync(), index, written, git_files, config })
    }

    /// Look whether all is as it was left, but for what there is besides; `None` where it is not.
    pub fn look(self) -> Option<Looked> {
        let others = self.others(&self.git.to_thread_local()).ok()?;
        Some(Looked { shown: self, others })
    }

    /// Whether each file is as it was left, and what else there is.
    fn others(&self, git: &gix::Repository) -> Result<Others, Unlike> {
        let dir = git.workdir().ok_or(Unlike)?;
        let is_as_left = names(git.git_dir()).as_ref() == Some(&self.git_files)
            && git.git_dir().symlink_metadata()?.is_dir()
            && std::fs::read(git.git_dir().join("config"))? == self.config;
        if !is_as_left {
            return Err(Unlike);
        }
        let mut excludes = None;
        let (mut others, mut seen) = (Others::Ignored, 0);
        let mut folders = vec![BString::default()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(dir.join(path_of(folder.as_bstr())))? {
                let entry = entry?;
                if folder.is_empty() && entry.file_name() == ".git" {
                    continue;
                }
                let path = join(&folder, entry.file_name().as_bytes());
                if let Some(known) = self.index.entry_by_path(path.as_bstr()) {
                    self.check(git, known, &entry)?;
                    seen += 1;
                } else if entry.file_type()?.is_dir() && self.index.path_is_directory(path.as_bstr()) {
                    folders.push(path);
                } else if others == Others::Ignored {
                    let stack = match &mut excludes {
                        Some(stack) => stack,
                        empty => empty.insert(git.excludes(&self.index, None, ignore::Source::WorktreeThenIdMappingIfNotSkipped)?),
                    };
                    if !is_ignored(stack, dir, path)? {
                        others = Others::Left;
                    }
                }
            }
        }
        if seen == self.index.entries().len() { Ok(others) } else { Err(Unlike) }
    }

    fn check(&self, git: &gix::Repository, known: &index::Entry, entry: &DirEntry) -> Result<(), Unlike> {
        let meta = entry.metadata()?;
        if known.mode == Mode::COMMIT {
            // A submodule that nobody has brought here.
            let is_empty = meta.is_dir() && std::fs::read_dir(entry.path())?.next().is_none();
            return is_empty.then_some(()).ok_or(Unlike);
        }
        let mode = match () {
            () if meta.is_symlink() => Mode::SYMLINK,
            () if meta.is_file() && meta.mode() & 0o100 != 0 => Mode::FILE_EXECUTABLE,
            () if meta.is_file() => Mode::FILE,
            () => return Err(Unlike),
        };
        if mode != known.mode || !known.stat.matches(&stat_of(&meta), EXACT) {
            return Err(Unlike);
        }
        if known.stat.mtime < self.written {
            return Ok(());
        }
        let file = entry.path();
        let content = if meta.is_symlink() { std::fs::read_link(file)?.into_os_string().into_vec() } else { std::fs::read(file)? };
        let is_same = gix::objs::compute_hash(git.object_hash(), gix::objs::Kind::Blob, &content)? == known.id;
        is_same.then_some(()).ok_or(Unlike)
    }

    fn turn(&mut self, git: &gix::Repository, changes: &[Changed], bytes: u64) -> Result<(), Unlike> {
        let dir = git.workdir().ok_or(Unlike)?;
        let is_simple = |change: &Changed| change.old.iter().chain(&change.new).all(|(mode, _)| mode.is_blob_or_symlink());
        let ignores_others = changes.iter().any(|change| change.path.ends_with(b".gitignore"));
        if bytes > MOST_BYTES || ignores_others || !changes.iter().all(is_simple) {
            return Err(Unlike);
        }
        let written = self.take_over(changes)?;
        self.check_attributes(git, written.iter().map(|(change, _)| change.path.as_bstr()))?;
        changes.iter().try_for_each(|change| remove(dir, change))?;
        for (change, file) in written {
            let path = change.path.as_bstr();
            let stat = write_file(git, dir, path, file, is_rewritten(change))?;
            let at = self.index.entry_index_by_path(path).map_err(|_| Unlike)?;
            self.index.entries_mut()[at].stat = stat;
        }
        let mut content = Vec::new();
        self.index.write_to(&mut content, index::write::Options::default())?;
        overwrite(&git.index_path(), &content)?;
        self.written = stat_of(&git.index_path().symlink_metadata()?).mtime;
        Ok(())
    }

    /// Bring the index to what `changes` say, and give what is to be written.
    fn take_over<'c>(&mut self, changes: &'c [Changed]) -> Result<Vec<(&'c Changed, File)>, Unlike> {
        let written: Vec<(&Changed, File)> = changes.iter().filter_map(|change| Some((change, change.new?))).collect();
        let gone: HashSet<&BStr> = changes.iter().filter(|change| change.new.is_none()).map(|change| change.path.as_bstr()).collect();
        self.index.remove_tree();
        if !gone.is_empty() {
            self.index.remove_entries(|_, path, _| gone.contains(path));
        }
        let known = self.index.entries().len();
        for &(change, (mode, id)) in &written {
            let path = change.path.as_bstr();
            for name in path.split_str("/") {
                gix::validate::path::component(name.as_bstr(), None, gix::validate::path::component::Options::default())?;
            }
            match self.index.entry_index_by_path_and_stage_bounded(path, Stage::Unconflicted, known) {
                Some(at) => {
                    let entry = &mut self.index.entries_mut()[at];
                    (entry.id, entry.mode) = (id, mode.into());
                }
                None => self.index.dangerously_push_entry(Stat::default(), id, Flags::empty(), mode.into(), path),
            }
        }
        self.index.sort_entries();
        Ok(written)
    }

    /// Refuse attributes by which git makes another content of a file than its blob has.
    fn check_attributes<'p>(&self, git: &gix::Repository, mut paths: impl Iterator<Item = &'p BStr>) -> Result<(), Unlike> {
        let mut stack = git.attributes_only(&self.index, attributes::Source::IdMapping)?;
        let mut matches = stack.selected_attribute_matches(CONVERTING);
        paths.try_for_each(|path| {
            matches.reset();
            stack.at_entry(path, None)?.matching_attributes(&mut matches);
            let is_plain = |state: StateRef<'_>| match state {
                StateRef::Unspecified | StateRef::Unset => true,
                StateRef::Value(value) => value.as_bstr() == "lf",
                StateRef::Set => false,
            };
            let all = matches.iter_selected().all(|found| is_plain(found.assignment.state));
            all.then_some(()).ok_or(Unlike)
        })
    }
}

impl Looked {
    /// Turn files and index by these changes of files, of `bytes` bytes. `None` where git must do it, whatever was done by then; what
    /// a gate has left that git does not ignore is removed by `clean`.
    pub fn turn(self, changes: &[Changed], bytes: u64, clean: impl FnOnce() -> bool) -> Option<Shown> {
        let Looked { mut shown, others } = self;
        if others == Others::Left && !clean() {
            return None;
        }
        let git = shown.git.to_thread_local();
        let turned = shown.turn(&git, changes, bytes);
        turned.ok().map(|()| shown)
    }
}

/// Whether an index entry is a file, a link or a submodule.
fn is_usual(mode: Mode) -> bool {
    mode.to_tree_entry_mode().is_some_and(|mode| mode.is_blob_or_symlink() || mode.is_commit())
}

/// Whether git ignores `path`, or all of what a folder there holds.
fn is_ignored(stack: &mut gix::AttributeStack<'_>, dir: &Path, path: BString) -> Result<bool, Unlike> {
    let (mut open, mut has_files) = (vec![path], false);
    while let Some(path) = open.pop() {
        let place = dir.join(path_of(path.as_bstr()));
        let is_folder = place.symlink_metadata()?.is_dir();
        if stack.at_entry(path.as_bstr(), Some(if is_folder { Mode::DIR } else { Mode::FILE }))?.is_excluded() {
            has_files = true;
        } else if is_folder {
            let before = open.len();
            for entry in std::fs::read_dir(place)? {
                open.push(join(&path, entry?.file_name().as_bytes()));
            }
            if open.len() == before {
                return Ok(false);
            }
        } else {
            return Ok(false);
        }
    }
    Ok(has_files)
}

/// Whether a file stays what it is but for what it holds.
fn is_rewritten(change: &Changed) -> bool {
    matches!((change.old, change.new), (Some((old, _)), Some((new, _))) if old == new && !old.is_link())
}

/// Remove the file that a change takes away or makes another kind of, and the folders that are then empty.
fn remove(dir: &Path, change: &Changed) -> std::io::Result<()> {
    if change.old.is_none() || is_rewritten(change) {
        return Ok(());
    }
    let path = path_of(change.path.as_bstr());
    std::fs::remove_file(dir.join(path))?;
    if change.new.is_none() {
        let mut within = path.ancestors().skip(1).take_while(|folder| !folder.as_os_str().is_empty());
        // What is ignored there keeps a folder.
        let _ = within.try_for_each(|folder| std::fs::remove_dir(dir.join(folder)));
    }
    Ok(())
}

/// Give a file, and no link or anything else that may have taken its place, this content. A file that is there is written to: to remove
/// and make files takes a file system longer. It is cut behind what is written, not before: ext4 sends what is written to an empty file to
/// the disk at once (`auto_da_alloc` in ext4(5)).
pub(super) fn overwrite(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    if let Ok(mut file) = OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(path)
        && let Ok(meta) = file.metadata()
        && meta.is_file()
        && meta.nlink() == 1
    {
        file.write_all(content)?;
        return if meta.len() > content.len() as u64 { file.set_len(content.len() as u64) } else { Ok(()) };
    }
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => OpenOptions::new().write(true).create_new(true).open(path)?.write_all(content),
    }
}

/// Make a file of a blob where nothing stands in its way, or write it over the one that is there, and tell what the system tells of it.
fn write_file(git: &gix::Repository, dir: &Path, path: &BStr, (mode, id): File, is_there: bool) -> Result<Stat, Unlike> {
    let relative = path_of(path);
    let file = dir.join(relative);
    let mut folder = PathBuf::from(dir);
    for part in relative.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        match folder.symlink_metadata() {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(Unlike),
            Err(_) => std::fs::create_dir(&folder)?,
        }
    }
    let blob = git.find_blob(id)?;
    if is_there {
        overwrite(&file, &blob.data)?;
    } else if mode.is_link() {
        std::os::unix::fs::symlink(path_of(blob.data.as_bstr()), &file)?;
    } else {
        // Less what the user's umask takes away, as git does it.
        let permissions = if mode.is_executable() { 0o777 } else { 0o666 };
        OpenOptions::new().write(true).create_new(true).mode(permissions).open(&file)?.write_all(&blob.data)?;
    }
    Ok(stat_of(&file.symlink_metadata()?))
}

/// What an index keeps of a file, the low bits of each number (gitformat-index(5)).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn stat_of(meta: &std::fs::Metadata) -> Stat {
    let time = |secs: i64, nsecs: i64| stat::Time { secs: secs as u32, nsecs: nsecs as u32 };
    Stat {
        mtime: time(meta.mtime(), meta.mtime_nsec()),
        ctime: time(meta.ctime(), meta.ctime_nsec()),
        dev: meta.dev() as u32,
        ino: meta.ino() as u32,
        uid: meta.uid(),
        gid: meta.gid(),
        size: meta.size() as u32,
    }
}

/// A path as git keeps it.
pub(super) fn path_of(name: &BStr) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

fn join(folder: &BString, name: &[u8]) -> BString {
    if folder.is_empty() { name.into() } else { [folder.as_slice(), b"/", name].concat().into() }
}

/// The names of what a folder holds.
fn names(dir: &Path) -> Option<HashSet<OsString>> {
    std::fs::read_dir(dir).ok()?.map(|entry| entry.map(|entry| entry.file_name()).ok()).collect()
}
