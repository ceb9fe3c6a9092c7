//! What a shell is told when somebody presses TAB, and the manual.

use crate::sandbox::Sandbox;
use std::path::Path;

/// Two plans, a run, and a branch whose name a shell would read.
fn planned() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config("[[gate]]\nname = \"always\"\nrun = \"true\"\n");
    for name in ["api/one", "api/two", "a'$(id);b"] {
        sandbox.branch(name, "main", name, &[(&name.replace('/', "-"), "x\n")]);
    }
    sandbox.lex(&["plan", "create", "--name", "first", "api/*"]).exits(0);
    sandbox.lex(&["plan", "create", "--name", "second", "a'*"]).exits(0);
    sandbox.lex(&["merge", "first", "--execute"]).exits(0);
    sandbox
}

/// What the binary answers a script of `shell` for the last of `words`.
fn asked(sandbox: &Sandbox, dir: &Path, shell: &str, words: &[&str]) -> Vec<String> {
    let mut command = sandbox.lex_command(dir, &["--", "git-lex-pr"]);
    command.args(words).env("LEX_PR_COMPLETE", shell).env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn plans_items_gates_runs_and_branches_are_offered() {
    let sandbox = planned();
    let run = sandbox.git(&["for-each-ref", "--format=%(refname:lstrip=3)", "refs/lex-pr/runs"]);
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let offers = |words: &[&str]| -> Vec<String> {
            let said = asked(&sandbox, &sandbox.repo, shell, words);
            // What follows is the explanation.
            let end = if shell == "zsh" { ':' } else { '\t' };
            said.into_iter().map(|line| line.split(end).next().unwrap().to_string()).collect()
        };
        assert_eq!(offers(&["plan", "show", "f"]), ["first"], "{shell}");
        assert_eq!(offers(&["merge", "first", "--items", "a"]), ["api/one", "api/two"], "{shell}: the items of the plan that is named");
        assert_eq!(offers(&["merge", "--items", "api/one,a"]), ["api/one,a'$(id);b", "api/one,api/two"], "{shell}: what is not chosen");
        assert_eq!(offers(&["merge", "--items=api/one,api"]), ["--items=api/one,api/two"], "{shell}");
        assert_eq!(offers(&["hook", "install", "--type", "pre-push,pre-c"]), ["pre-push,pre-commit"], "{shell}");
        assert_eq!(offers(&["hook", "install", "--type", "pre-push,pre-p"]), Vec::<String>::new(), "{shell}");
        assert_eq!(offers(&["plan", "remove", "first", "api/one", "a"]), ["api/two"], "{shell}");
        assert_eq!(offers(&["ord"]), ["order"], "{shell}");
        assert_eq!(offers(&["gate", "run", "--plan", "first", "a"]), ["always"], "{shell}");
        assert_eq!(offers(&["gate", "show", "c"]), ["conflict-markers"], "{shell}");
        assert_eq!(offers(&["report", "2"]), [run.as_str()], "{shell}");
        assert_eq!(offers(&["undo", "fir"]), ["first"], "{shell}");
        assert_eq!(offers(&["plan", "create", "--target", "m"]), ["main"], "{shell}");
        assert_eq!(offers(&["plan", "de"]), ["delete"], "{shell}");
        assert_eq!(offers(&["-C", "..", "plan", "show", "f"]), Vec::<String>::new(), "{shell}: no repository, and no complaint");
        assert_eq!(offers(&["gate", "new", "--wasm-r"]), ["--wasm-rust"], "{shell}");
        assert_eq!(offers(&["merge", "--batch", "s"]), ["serial", "speculative"], "{shell}");
    }
    let elsewhere = asked(&sandbox, sandbox.root.path(), "bash", &["-C", "repo", "plan", "show", "f"]);
    assert_eq!(elsewhere, ["first"], "of the folder that -C names");
    assert_eq!(asked(&sandbox, &sandbox.repo, "fish", &["plan", "show", "f"]), ["first\t2 items onto main"]);
    sandbox.sound();
}

/// Real bash: the functions that readline, and git's own completion, call with what stands in the line.
#[test]
fn bash_completes_both_spellings_and_quotes_what_a_shell_would_read() {
    let sandbox = planned();
    let script = r#"
source <(git-lex-pr completions bash)
direct() {
    COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
    COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
    _git_lex_pr_itself
    printf '[%s]' "${COMPREPLY[@]}"; echo
}
by_git() {
    words=("$@") cword=$(($# - 1)) cur=${*: -1} COMPREPLY=()
    _git_lex_pr
    printf '[%s]' "${COMPREPLY[@]}"; echo
}
direct "git-lex-pr plan show f" git-lex-pr plan show f
direct "git-lex-pr merge first --items=api/" git-lex-pr merge first --items = api/
direct "git-lex-pr gate show builtin:" git-lex-pr gate show builtin : ""
direct "git-lex-pr merge --items a'" git-lex-pr merge --items "a'"
direct "git-lex-pr merge first --items api/one," git-lex-pr merge first --items api/one,
__git_cmd_idx=1
by_git git lex-pr plan show f
__git_cmd_idx=3 __git_C_args=(-C repo)
(cd .. && by_git git -C repo lex-pr plan show se)
unset __git_cmd_idx __git_C_args
by_git git lex-pr report first
complete -p git-lex-pr
eval "echo ${COMPREPLY[0]-}"
direct "git-lex-pr merge --items a'" git-lex-pr merge --items "a'"
eval "printf '%s\n' ${COMPREPLY[0]}"
"#;
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let output = sandbox.command("bash", &sandbox.repo).args(["--norc", "-c", script]).env("PATH", path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = [
        "[first ]",
        "[api/one ][api/two ]",
        "[]",
        r"[a\'\$\(id\)\;b ]",
        "[api/one,api/two ]",
        "[first ]",
        "[second ]",
        "[first ]",
        "complete -o bashdefault -o nospace -F _git_lex_pr_itself git-lex-pr",
        "first",
        r"[a\'\$\(id\)\;b ]",
        "a'$(id);b",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected, "{}", String::from_utf8_lossy(&output.stderr));
}

/// The scripts for shells that need not be installed say what calls them.
#[test]
fn every_script_serves_git_lex_pr_too() {
    let sandbox = Sandbox::new();
    for (shell, parts) in [
        (
            "zsh",
            &[
                "#compdef git-lex-pr\n",
                "_git-lex-pr() {",
                "_git_lex_pr() {",
                "compdef _git-lex-pr git-lex-pr",
                "user-commands",
                "LEX_PR_COMPLETE=zsh",
            ][..],
        ),
        (
            "fish",
            &[
                "complete --command git-lex-pr ",
                "complete --command git --condition '__fish_git_using_command lex-pr'",
                "complete --command git --condition __fish_git_needs_command --arguments lex-pr",
                "LEX_PR_COMPLETE=fish",
            ],
        ),
        ("bash", &["_git_lex_pr() {", "git-lex-pr\n"]),
        ("powershell", &["Register-ArgumentCompleter -Native -CommandName git-lex-pr", "LEX_PR_COMPLETE"]),
    ] {
        let said = sandbox.lex(&["completions", shell]).exits(0).stdout;
        parts.iter().for_each(|part| assert!(said.contains(part), "{shell}: {part:?} in {said}"));
    }
}

#[test]
fn git_finds_the_manual() {
    let sandbox = Sandbox::new();
    let man = sandbox.root.path().join("man with blank/man1");
    let written = sandbox.json(&["man", man.to_str().unwrap()], 0);
    let pages: Vec<&str> = written["pages"].as_array().unwrap().iter().map(|page| page.as_str().unwrap()).collect();
    for page in ["git-lex-pr.1", "git-lex-pr-plan.1", "git-lex-pr-plan-create.1", "git-lex-pr-init.1"] {
        let text = std::fs::read_to_string(man.join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        assert!(pages.contains(&page) && text.contains(".TH ") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let page = |name: &str| std::fs::read_to_string(man.join(name)).unwrap();
    let merge = page("git-lex-pr-merge.1");
    let version = format!(".TH git-lex-pr-merge 1 {} git-lex-pr \"Git Lex-Pr Manual\"", env!("CARGO_PKG_VERSION"));
    assert!(merge.contains(&version), "{merge}");
    assert!(merge.contains(".SH SYNOPSIS\n\\fBgit lex\\-pr merge\\fR [OPTIONS] [PLAN]\n"), "{merge}");
    assert!(merge.contains("\\fB\\-\\-hotfix\\fR \\fI<ITEM>\\fR"), "{merge}");
    let root = page("git-lex-pr.1");
    assert!(root.contains(".SH \"EXIT STATUS\"\n0 done; 1 an honest no") && !root.contains("EXTRA"), "{root}");
    let said = sandbox.lex(&["man", man.to_str().unwrap()]).exits(0).stdout;
    assert!(said.contains(&format!("export MANPATH='{}'", man.parent().unwrap().display())), "{said}");
    // Git gives the page's name to the viewer that it is told of.
    let viewer = "man.pages.cmd=page() { cat \"$PAGES/$1.1\"; }; page";
    let binary = Path::new(env!("CARGO_BIN_EXE_git-lex-pr")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut git = sandbox.command("git", &sandbox.repo);
    git.args(["-c", "man.viewer=pages", "-c", viewer, "lex-pr", "--help"]).env("PAGES", &man).env("PATH", path);
    let output = git.output().unwrap();
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(page.contains("Land a whole fan"), "{page}{}", String::from_utf8_lossy(&output.stderr));
}
