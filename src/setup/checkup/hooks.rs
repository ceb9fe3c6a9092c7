//! Whether git runs this tool's hooks: what is installed where git does not look helps nobody.

use super::{Cure, Finding};
use crate::{model::Result, repo::Repo};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What a hook calls: by name, or by a variable of the script that `hook install` writes.
const CALLS: [&str; 2] = ["lex-pr hook run", "\"$lex_pr\" hook run"];

/// Other managers of hooks, by the file that configures them.
const MANAGERS: [(&str, &str); 8] = [
    ("lefthook", "lefthook.yml"),
    ("lefthook", "lefthook.yaml"),
    ("lefthook", ".lefthook.yml"),
    ("lefthook", ".lefthook.yaml"),
    ("husky", ".husky/pre-push"),
    ("husky", ".husky/pre-commit"),
    ("pre-commit", ".pre-commit-config.yaml"),
    ("pre-commit", ".pre-commit-config.yml"),
];

pub(super) fn look(repo: &Repo) -> Result<Vec<Finding>> {
    let said = repo.git_command().args(["rev-parse", "--git-path", "hooks"]).run("ask where hooks are")?;
    let said = PathBuf::from(String::from_utf8_lossy(&said).trim_end_matches('\n'));
    let effective = repo.git.workdir().unwrap_or(repo.git.git_dir()).join(said);
    let usual = repo.git.common_dir().join("hooks");
    let mut findings: Vec<Finding> = Vec::new();
    let calling = hooks_in(&effective);
    for hook in &calling {
        let name = hook.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let runs = hook.metadata().is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
        findings.push(match runs {
            true => Finding::good("hook", format!("{name} asks git lex-pr")),
            false => Finding::bad("hook", format!("{} is not executable, so that git does not run it", hook.display()))
                .cure(Cure::MakeExecutable(hook.clone())),
        });
    }
    let is_other = match (usual.canonicalize(), effective.canonicalize()) {
        (Ok(usual), Ok(effective)) => usual != effective,
        _ => true,
    };
    if is_other && calling.is_empty() {
        for hook in hooks_in(&usual) {
            let message = format!("{} asks git lex-pr, but git looks into {} (core.hooksPath)", hook.display(), effective.display());
            findings.push(Finding::bad("hook", message).mend("git lex-pr hook install"));
        }
    }
    if let Some(root) = repo.git.workdir() {
        for (manager, file) in MANAGERS.iter().filter(|(_, file)| root.join(file).is_file()) {
            match calls(&root.join(file)) {
                true => findings.push(Finding::good("hook", format!("{manager} asks git lex-pr, by {file}"))),
                false if calling.is_empty() => {
                    let message = format!("{manager} manages the hooks, and {file} does not ask git lex-pr");
                    findings.push(Finding::note("hook", message).mend(format!("add `git lex-pr hook run pre-push` to {file}")));
                }
                false => {}
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::note("hook", "git asks nothing of git lex-pr before a push").mend("git lex-pr hook install"));
    }
    Ok(findings)
}

/// The files in a folder of hooks that call this tool.
fn hooks_in(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = files.filter(|path| path.extension().is_none() && path.is_file() && calls(path)).collect();
    found.sort();
    found
}

fn calls(file: &Path) -> bool {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| CALLS.iter().any(|call| line.contains(call)))
}
