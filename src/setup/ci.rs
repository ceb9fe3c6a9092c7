//! What the repository's own CI runs: the best answer to what a gate should run.

use super::files::Files;

/// Files of CI services at the root.
const AT_ROOT: [&str; 7] =
    [".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml", "Jenkinsfile", ".drone.yml", "bitbucket-pipelines.yml", ".cirrus.yml"];

/// The commands of CI files, each with its file.
pub(super) struct Ci {
    /// The files, sorted.
    pub files: Vec<String>,
    commands: Vec<(String, String)>,
}

impl Ci {
    pub fn of(files: &Files) -> Ci {
        let mut ci = Ci { files: Vec::new(), commands: Vec::new() };
        let mut read = |folder: &str, wanted: &dyn Fn(&str) -> bool| {
            let folder = files.folder(folder);
            for name in folder.names().iter().filter(|name| wanted(name)) {
                let path = folder.path_of(name);
                ci.commands.extend(folder.text(name).lines().filter_map(command).map(|command| (command, path.clone())));
                ci.files.push(path);
            }
        };
        read(".github/workflows", &|name| name.ends_with(".yml") || name.ends_with(".yaml"));
        read(".circleci", &|name| name == "config.yml");
        read("", &|name| AT_ROOT.contains(&name));
        ci.files.sort();
        ci
    }

    /// The first command that is `beginning` or goes on after it, and the file that has it.
    pub fn runs(&self, beginning: &str) -> Option<(&str, &str)> {
        let is_it = |command: &str| command.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        self.commands.iter().find(|(command, _)| is_it(command)).map(|(command, file)| (command.as_str(), file.as_str()))
    }
}

/// The command on a line of a CI file, if it is one that means the same elsewhere: whole on its line, and without the service's
/// variables.
fn command(line: &str) -> Option<String> {
    let mut text = line.trim();
    for lead in ["- ", "run:", "command:", "script:", "sh "] {
        text = text.strip_prefix(lead).unwrap_or(text).trim();
    }
    for quote in ['"', '\''] {
        text = text.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)).unwrap_or(text);
    }
    let is_plain = |text: &str| !text.contains(['$', '\\', '{', '}', '|', '>', '<', '#', ';', '"', '\'']) && !text.ends_with(['&', ',']);
    let is_word = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
    (is_word && !text.contains(": ") && is_plain(text)).then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_is_told_from_what_only_ci_understands() {
        for (line, said) in [
            ("      - run: cargo test --workspace", Some("cargo test --workspace")),
            ("        run: \"npm test\"", Some("npm test")),
            ("    - pytest -q", Some("pytest -q")),
            ("          go vet ./...", Some("go vet ./...")),
            ("      - run: pytest ${{ matrix.args }}", None),
            ("          cargo test \\", None),
            ("    name: cargo test", None),
            ("    # cargo test", None),
            ("", None),
        ] {
            assert_eq!(command(line).as_deref(), said, "{line}");
        }
    }
}
