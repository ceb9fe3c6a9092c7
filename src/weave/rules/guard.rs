//! What no rule touches: files and tables that hold lints, policy or security, where a union could loosen what a side
//! tightened, and files that a tool writes.

use super::data::Data;

/// Names of files, in lower case; a `*` stands for anything.
const FILES: &[&str] = &[
    // Policy.
    "lex-pr.toml",
    "codeowners",
    ".gitattributes",
    ".gitmodules",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".drone.y*ml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "codecov.yml",
    ".codecov.yml",
    ".pre-commit-config.y*ml",
    "lefthook.y*ml",
    // Security.
    "security*",
    "deny.toml",
    "cargo-deny.toml",
    "audit.toml",
    "osv-scanner.toml",
    "dependabot.y*ml",
    "renovate*",
    ".renovaterc*",
    ".npmrc",
    ".yarnrc*",
    ".pypirc",
    "pip.conf",
    ".snyk",
    ".semgrep*",
    ".gitleaks*",
    ".trivyignore*",
    // Lints.
    "clippy.toml",
    ".clippy.toml",
    "rustfmt.toml",
    ".rustfmt.toml",
    ".eslintrc*",
    "eslint.config.*",
    "tslint.json",
    "tsconfig*.json",
    "biome.json*",
    ".stylelintrc*",
    "stylelint.config.*",
    ".golangci.*",
    "ruff.toml",
    ".ruff.toml",
    ".flake8",
    "mypy.ini",
    ".mypy.ini",
    "pyrightconfig.json",
    "pylintrc*",
    ".pylintrc*",
    ".rubocop*",
    "detekt*.yml",
    ".swiftlint.y*ml",
    ".yamllint*",
    ".hadolint.y*ml",
    ".markdownlint*",
    // Written by tools: what two versions of them have in common is not what the tool would write.
    "*.lock",
    "*-lock.json",
    "*-lock.yaml",
    "*.lock.json",
    "npm-shrinkwrap.json",
];

/// Folders at any depth.
const FOLDERS: &[&str] = &[
    ".github/workflows/",
    ".github/actions/",
    ".gitea/workflows/",
    ".forgejo/workflows/",
    ".gitlab/",
    ".buildkite/",
    ".circleci/",
    ".woodpecker/",
    ".cargo/",
    ".husky/",
    "supply-chain/",
];

/// Tables that both sides may not have touched, by the name of the file.
const TABLES: &[(&str, &[&[&str]])] = &[
    ("cargo.toml", &[&["lints"], &["workspace", "lints"], &["patch"], &["replace"]]),
    (
        "package.json",
        &[
            &["eslintConfig"],
            &["stylelint"],
            &["overrides"],
            &["resolutions"],
            &["pnpm"],
            &["jest", "coverageThreshold"],
            // The order of these decides which one counts.
            &["exports"],
            &["imports"],
        ],
    ),
    ("deno.json", &[&["lint"], &["permissions"]]),
    (
        "pyproject.toml",
        &[
            &["tool", "ruff"],
            &["tool", "mypy"],
            &["tool", "pyright"],
            &["tool", "pylint"],
            &["tool", "flake8"],
            &["tool", "bandit"],
            &["tool", "coverage"],
        ],
    ),
];

/// Maps of which both sides may not have touched the same key.
const KEYS: &[(&str, &str)] = &[("package.json", "scripts")];

/// Whether no rule may touch this file.
pub(super) fn forbids(path: &str) -> bool {
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let in_folder = |folder: &&str| path.starts_with(*folder) || path.contains(&format!("/{folder}"));
    FILES.iter().any(|pattern| matches(pattern, name)) || FOLDERS.iter().any(in_folder)
}

/// Whether both sides touched what no rule may merge inside the file of this name.
pub(super) fn forbids_data(name: &str, base: Option<&Data>, ours: &Data, theirs: &Data) -> bool {
    let touched = |path: &[&str]| {
        let base = base.and_then(|base| base.at(path));
        ours.at(path) != base && theirs.at(path) != base
    };
    let tables = TABLES.iter().filter(|(file, _)| *file == name).flat_map(|(_, tables)| *tables);
    let mut maps = KEYS.iter().filter(|(file, _)| *file == name).map(|(_, map)| *map);
    let keys =
        |map: &str| ours.at(&[map]).into_iter().chain(base.and_then(|base| base.at(&[map]))).flat_map(Data::keys).collect::<Vec<_>>();
    tables.into_iter().any(|table| touched(table)) || maps.any(|map| keys(map).into_iter().any(|key| touched(&[map, key])))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, behind)) => name.len() >= before.len() + behind.len() && name.starts_with(before) && name.ends_with(behind),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::forbids;

    #[test]
    fn lint_policy_and_security_files_are_forbidden_anywhere() {
        for path in [
            "deny.toml",
            "a/deny.toml",
            ".github/workflows/ci.yml",
            "sub/.cargo/config.toml",
            "tsconfig.base.json",
            "docs/SECURITY.md",
            "SECURITY",
            ".github/CODEOWNERS",
            ".eslintrc.json",
            "package-lock.json",
            "Cargo.lock",
            ".pre-commit-config.yaml",
        ] {
            assert!(forbids(path), "{path}");
        }
        for path in ["Cargo.toml", "package.json", "src/deny.toml.rs", "x.cargo/a.toml", ".gitignore", "my.github/workflows.yml"] {
            assert!(!forbids(path), "{path}");
        }
    }
}
