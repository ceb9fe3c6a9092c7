//! Whether git runs this tool's hooks: what is installed where git does not look helps nobody.

use super::{Cure, Finding};
use crate::{
    model::{Result, hook::Hook},
    repo::{HookFile, HookState, Manager, Repo},
};

pub(super) fn look(repo: &Repo) -> Result<Vec<Finding>> {
    let files = repo.hook_files()?;
    let mut findings: Vec<Finding> = files.iter().filter_map(of).collect();
    let is_server = repo.git.workdir().is_none();
    let enough: &[Hook] = if is_server { &[Hook::PreReceive, Hook::Update] } else { &[Hook::PrePush] };
    let found = |file: &&HookFile| file.asks() || file.state == HookState::Off;
    if !files.iter().filter(|file| enough.contains(&file.hook)).any(|file| found(&file)) {
        let file = files.iter().find(|file| file.hook == enough[0]);
        findings.extend(file.filter(|file| of(file).is_none()).map(|file| missing(repo, file)).transpose()?);
    }
    let asks_pushes = files.iter().any(|file| file.hook == Hook::PreReceive && file.asks());
    findings.extend(repo.push_options_off().filter(|_| is_server && asks_pushes).map(|_| {
        let message = "nobody who pushes can say why it goes past runs: receive.advertisePushOptions is off";
        Finding::note("hook", message).cure(Cure::Git(["config", "receive.advertisePushOptions", "true"].map(String::from).to_vec()))
    }));
    Ok(findings)
}

/// What is to be said of a hook that asks this tool, or is meant to.
fn of(file: &HookFile) -> Option<Finding> {
    let name = file.hook.name();
    let by = match (file.state, &file.asked_by) {
        (HookState::None, _) | (HookState::Others, None) => return None,
        (HookState::Others, Some(by)) if *by != file.path => format!(", by {}", by.display()),
        _ => String::new(),
    };
    Some(match file.executable {
        true => Finding::good("hook", format!("{name} asks git lex-pr{by}")),
        false => Finding::bad("hook", format!("{} is not executable, so that git does not run it", file.path.display()))
            .cure(Cure::MakeExecutable(file.path.clone())),
    })
}

/// That git does not ask by the hook which `file` would be, and why.
fn missing(repo: &Repo, file: &HookFile) -> Result<Finding> {
    let name = file.hook.name();
    let usual = repo.usual_hook_file(file.hook)?;
    let elsewhere =
        usual.path.parent() != file.path.parent() && (usual.state == HookState::Ours || usual.asked_by.as_ref() == Some(&usual.path));
    let refused = repo.why_no_hook(file.hook)?;
    let is_off = refused.as_ref().is_some_and(|error| error.code == "hooks-off");
    let install = refused.and_then(|error| error.hint).unwrap_or_else(|| format!("git lex-pr hook install --type {name}"));
    if elsewhere {
        let folder = file.path.parent().unwrap_or(&file.path).display();
        let message = format!("{} asks git lex-pr, but git looks into {folder} (core.hooksPath)", usual.path.display());
        return Ok(Finding::bad("hook", message).mend(install));
    }
    if is_off {
        return Ok(Finding::note("hook", "git runs no hooks here, as core.hooksPath has it").mend(install));
    }
    if let Some(root) = repo.git.workdir() {
        let managers = || Manager::ALL.iter().map(|manager| (manager, manager.file_of(root, file.hook)));
        if let Some((manager, by)) = managers().find(|(_, by)| file.asked_by.as_ref() == Some(by)) {
            let message = format!("{} asks git lex-pr, but {}'s {name} hook is not here", by.display(), manager.name);
            return Ok(Finding::note("hook", message).mend(manager.install));
        }
        if let Some((manager, by)) = managers().find(|(manager, by)| manager.name != "husky" && by.is_file()) {
            let message = format!("{} manages the hooks, and {} does not ask git lex-pr", manager.name, by.display());
            return Ok(Finding::note("hook", message).mend(format!("add `git lex-pr hook run {name}` to {}", manager.file)));
        }
    }
    let what = if file.hook.is_of_server() { "when something is pushed here" } else { "before a push" };
    Ok(Finding::note("hook", format!("git asks nothing of git lex-pr {what}")).mend(install))
}
