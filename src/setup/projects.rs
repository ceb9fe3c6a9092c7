//! What a folder's files say about its language and how it is tested.

use super::{ci::Ci, files::Folder};

/// A project in a folder: its language, and the checks it has.
pub(super) struct Project {
    pub language: &'static str,
    /// The file that tells.
    pub manifest: String,
    /// The first is its test.
    pub checks: Vec<Check>,
}

/// A command that checks a project.
pub(super) struct Check {
    pub name: &'static str,
    pub run: String,
    pub why: String,
}

/// A language that one manifest tells and one command tests.
struct Plain {
    language: &'static str,
    manifests: &'static [&'static str],
    test: &'static str,
    /// What else its CI may run, by name.
    others: &'static [(&'static str, &'static str)],
}

const PLAIN: [Plain; 9] = [
    Plain { language: "Rust", manifests: &["Cargo.toml"], test: "cargo test", others: &[("fmt", "cargo fmt"), ("clippy", "cargo clippy")] },
    Plain { language: "Go", manifests: &["go.mod"], test: "go test ./...", others: &[("vet", "go vet"), ("lint", "golangci-lint run")] },
    Plain { language: "Deno", manifests: &["deno.json", "deno.jsonc"], test: "deno test", others: &[("lint", "deno lint")] },
    Plain { language: "Elixir", manifests: &["mix.exs"], test: "mix test", others: &[("format", "mix format")] },
    Plain { language: "Swift", manifests: &["Package.swift"], test: "swift test", others: &[] },
    Plain { language: "Dart", manifests: &["pubspec.yaml"], test: "dart test", others: &[("analyze", "dart analyze")] },
    Plain { language: "Zig", manifests: &["build.zig"], test: "zig build test", others: &[] },
    Plain { language: "Haskell", manifests: &["stack.yaml"], test: "stack test", others: &[] },
    Plain {
        language: "C or C++ (CMake)",
        manifests: &["CMakeLists.txt"],
        test: "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure",
        others: &[],
    },
];

/// The projects in a folder.
pub(super) fn projects(folder: Folder, ci: &Ci) -> Vec<Project> {
    let mut found: Vec<Project> = PLAIN.iter().filter_map(|plain| plain.project(folder, ci)).collect();
    found.extend(
        [javascript(folder, ci), python(folder, ci), java(folder), ruby(folder, ci), php(folder, ci), dotnet(folder), c(folder)]
            .into_iter()
            .flatten(),
    );
    found
}

/// What a task runner at the root says, where CI uses it or nothing else tells how to test.
pub(super) fn task_runner(root: Folder, ci: &Ci, alone: bool) -> Option<Project> {
    let makefile = root.first(&["Makefile", "makefile", "GNUmakefile"]);
    let justfile = root.first(&["justfile", "Justfile", ".justfile"]);
    for (file, program) in [(makefile, "make"), (justfile, "just")] {
        let text = file.map_or(String::new(), |file| root.text(file));
        for task in ["test", "check", "tests"] {
            let command = format!("{program} {task}");
            // The file may be one that is made before.
            if let Some((run, ci_file)) = ci.runs(&command).filter(|_| file.is_some() || alone) {
                let check = Check { name: "test", run: run.into(), why: format!("{ci_file} runs it") };
                return Some(Project { language: program, manifest: file.unwrap_or(ci_file).into(), checks: vec![check] });
            }
            let Some(file) = file else { continue };
            let is_task =
                |line: &str| line.strip_prefix(task).is_some_and(|rest| rest.trim_start().starts_with(':') && !rest.contains(":="));
            if alone && text.lines().any(is_task) {
                let check = Check { name: "test", run: command, why: format!("{file} has a `{task}`") };
                return Some(Project { language: program, manifest: file.into(), checks: vec![check] });
            }
        }
    }
    None
}

/// The check that CI runs, or the usual one.
fn usual(name: &'static str, folder: Folder, ci: &Ci, beginnings: &[&str], otherwise: &str, why: &str) -> Check {
    // What CI runs at the root need not be what it would run in a folder.
    let by_ci = beginnings.iter().filter(|_| folder.path.is_empty()).find_map(|beginning| ci.runs(beginning));
    match by_ci {
        Some((run, file)) => Check { name, run: run.into(), why: format!("{file} runs it") },
        None => Check { name, run: otherwise.into(), why: why.into() },
    }
}

/// What else CI runs.
fn by_ci(name: &'static str, folder: Folder, ci: &Ci, beginnings: &[&str]) -> Option<Check> {
    let (run, file) = beginnings.iter().filter(|_| folder.path.is_empty()).find_map(|beginning| ci.runs(beginning))?;
    Some(Check { name, run: run.into(), why: format!("{file} runs it") })
}

impl Plain {
    fn project(&self, folder: Folder, ci: &Ci) -> Option<Project> {
        let manifest = folder.first(self.manifests)?;
        let beginning = self.test.split(" ./...").next().unwrap_or(self.test);
        let mut checks = vec![usual("test", folder, ci, &[beginning], self.test, &format!("{} is there", folder.path_of(manifest)))];
        checks.extend(self.others.iter().filter_map(|(name, beginning)| by_ci(name, folder, ci, &[beginning])));
        Some(Project { language: self.language, manifest: manifest.into(), checks })
    }
}

/// A package manager: the file it locks versions in, how it installs them, and how it runs a script.
const MANAGERS: [(&str, &str, &str); 5] = [
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile", "pnpm run"),
    ("yarn.lock", "yarn install --frozen-lockfile", "yarn run"),
    ("bun.lock", "bun install --frozen-lockfile", "bun run"),
    ("bun.lockb", "bun install --frozen-lockfile", "bun run"),
    // It installs all again each time; the time of the file that it leaves tells whether it must.
    ("package-lock.json", "{ test node_modules/.package-lock.json -nt package-lock.json || npm ci; }", "npm run"),
];

fn javascript(folder: Folder, _: &Ci) -> Option<Project> {
    let manifest = "package.json";
    if !folder.has(manifest) {
        return None;
    }
    let package: serde_json::Value = serde_json::from_str(&folder.text(manifest)).unwrap_or_default();
    let filled = |key: &str| package[key].as_object().is_some_and(|table| !table.is_empty());
    let needs = filled("dependencies") || filled("devDependencies");
    let locked = MANAGERS.iter().find(|(lock, ..)| folder.has(lock));
    let (install, run) = match locked {
        Some((_, install, run)) => (*install, *run),
        None => ("npm install --no-package-lock --no-audit --no-fund", "npm run"),
    };
    let install = if needs { format!("{install} && ") } else { String::new() };
    let script = |name: &str| package["scripts"][name].as_str().filter(|script| !script.contains("no test specified"));
    let checks = [("test", "test"), ("lint", "lint"), ("typecheck", "typecheck"), ("typecheck", "type-check")]
        .into_iter()
        .filter_map(|(name, key)| {
            script(key).map(|_| Check {
                name,
                run: format!("{install}{run} {key}"),
                why: format!("{} has a script `{key}`", folder.path_of(manifest)),
            })
        })
        .collect();
    Some(Project { language: "JavaScript", manifest: manifest.into(), checks })
}

fn python(folder: Folder, ci: &Ci) -> Option<Project> {
    let manifests = ["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile", "tox.ini", "pytest.ini", "manage.py"];
    let is_test = |name: &&String| name.starts_with("test_") && name.ends_with(".py");
    // A folder of scripts or tests is no project of its own.
    let folder_of_tests = ["tests/", "test/"].into_iter().find(|tests| folder.has(tests) && folder.holds(tests, ".py"));
    let scripts = || if folder.path.is_empty() { folder.ending(".py").or(folder_of_tests) } else { None };
    let manifest = folder.first(&manifests).or_else(scripts)?.to_string();
    let words: String = ["pyproject.toml", "setup.cfg", "requirements.txt", "requirements-dev.txt", "dev-requirements.txt", "Pipfile"]
        .iter()
        .map(|name| folder.text(name))
        .collect();
    let run = match folder.first(&["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"]) {
        Some("uv.lock") => "uv run ",
        Some("poetry.lock") => "poetry run ",
        Some("pdm.lock") => "pdm run ",
        Some(_) => "pipenv run ",
        None => "",
    };
    let module = |name: &str| if run.is_empty() { format!("python3 -m {name}") } else { format!("{run}{name}") };
    let tox = folder.has("tox.ini") || words.contains("[tool.tox");
    let pytest = folder.first(&["pytest.ini", "conftest.py"]).map(|file| format!("{} is there", folder.path_of(file)));
    let pytest = pytest.or_else(|| words.contains("pytest").then(|| "its settings name pytest".to_string()));
    let (test, why) = match (folder.has("manage.py"), pytest, folder_of_tests) {
        (true, None, _) => (Some(format!("{run}python3 manage.py test")), "manage.py is there".to_string()),
        (_, Some(why), _) => (Some(module("pytest")), why),
        (_, None, _) if tox => (Some(format!("{run}tox")), "tox is set up".to_string()),
        (_, None, Some(tests)) => {
            let tests = tests.trim_end_matches('/');
            (
                Some(format!("{run}python3 -m unittest discover -s {tests}")),
                format!("{} is there, and nothing names pytest", folder.path_of(tests)),
            )
        }
        (_, None, None) if folder.names().iter().any(|name| is_test(&name)) => {
            (Some(format!("{run}python3 -m unittest")), "its tests are beside it, and nothing names pytest".to_string())
        }
        _ => (None, String::new()),
    };
    let known = [
        "pytest",
        "python -m pytest",
        "python3 -m pytest",
        "uv run pytest",
        "poetry run pytest",
        "tox",
        "nox",
        "hatch test",
        "python -m unittest",
        "python3 -m unittest",
    ];
    let mut checks = Vec::new();
    match test {
        Some(test) => checks.push(usual("test", folder, ci, &known, &test, &why)),
        None => checks.extend(by_ci("test", folder, ci, &known)),
    }
    if folder.first(&["ruff.toml", ".ruff.toml"]).is_some() || words.contains("[tool.ruff") {
        checks.push(usual("lint", folder, ci, &["ruff check", "uv run ruff check"], &format!("{run}ruff check"), "ruff is set up"));
    }
    checks.extend(by_ci("types", folder, ci, &["mypy", "uv run mypy", "poetry run mypy"]));
    Some(Project { language: "Python", manifest, checks })
}

fn java(folder: Folder) -> Option<Project> {
    let (manifest, wrapper, program, goal) = match folder.first(&["pom.xml", "build.gradle", "build.gradle.kts"])? {
        "pom.xml" => ("pom.xml", "mvnw", "mvn", "-q -B verify"),
        gradle => (gradle, "gradlew", "gradle", "check"),
    };
    let program = if folder.has(wrapper) { format!("./{wrapper}") } else { program.to_string() };
    let check = Check { name: "test", run: format!("{program} {goal}"), why: format!("{} is there", folder.path_of(manifest)) };
    Some(Project { language: "Java", manifest: manifest.into(), checks: vec![check] })
}

fn ruby(folder: Folder, ci: &Ci) -> Option<Project> {
    let manifest = folder.first(&["Gemfile"])?;
    let test = match (folder.has(".rspec") || folder.has("spec/"), folder.has("Rakefile")) {
        (true, _) => Some(("bundle exec rspec", "its tests are in spec")),
        (_, true) => Some(("bundle exec rake", "Rakefile is there")),
        _ => None,
    };
    let known = ["bundle exec rspec", "bundle exec rake", "bin/rails test"];
    let mut checks: Vec<Check> = test.map(|(run, why)| usual("test", folder, ci, &known, run, why)).into_iter().collect();
    checks.extend(by_ci("lint", folder, ci, &["bundle exec rubocop"]));
    Some(Project { language: "Ruby", manifest: manifest.into(), checks })
}

fn php(folder: Folder, ci: &Ci) -> Option<Project> {
    let manifest = folder.first(&["composer.json"])?;
    let phpunit = folder.first(&["phpunit.xml", "phpunit.xml.dist"]);
    let package: serde_json::Value = serde_json::from_str(&folder.text(manifest)).unwrap_or_default();
    let script =
        (!package["scripts"]["test"].is_null()).then(|| ("composer test", format!("{} has a script `test`", folder.path_of(manifest))));
    let phpunit = phpunit.map(|file| ("vendor/bin/phpunit", format!("{} is there", folder.path_of(file))));
    let install = "composer install --quiet --no-interaction && ";
    let run = script.or(phpunit).map(|(run, why)| (format!("{install}{run}"), why));
    let checks = run.map(|(run, why)| usual("test", folder, ci, &[], &run, &why)).into_iter().collect();
    Some(Project { language: "PHP", manifest: manifest.into(), checks })
}

fn dotnet(folder: Folder) -> Option<Project> {
    let manifest = folder.ending(".sln").or_else(|| folder.ending(".csproj")).or_else(|| folder.ending(".fsproj"))?.to_string();
    let check = Check { name: "test", run: "dotnet test".into(), why: format!("{} is there", folder.path_of(&manifest)) };
    Some(Project { language: ".NET", manifest, checks: vec![check] })
}

/// C and C++ without CMake: how they are tested, a Makefile or justfile says, where there is one.
fn c(folder: Folder) -> Option<Project> {
    if folder.has("CMakeLists.txt") || !folder.path.is_empty() {
        return None;
    }
    let is_source = |name: &str| [".c", ".cc", ".cpp", ".cxx"].iter().any(|ending| name.ends_with(ending));
    let here = folder.names().iter().find(|name| is_source(name)).cloned();
    let below = || {
        let sources = [".c", ".cc", ".cpp", ".cxx"].iter().any(|ending| folder.has("src/") && folder.holds("src/", ending));
        sources.then(|| "src".to_string())
    };
    let meson = folder.has("meson.build").then(|| "meson.build".to_string());
    let run = "{ test -d build || meson setup build; } && meson test -C build";
    let check = meson.is_some().then(|| Check { name: "test", run: run.into(), why: "meson.build is there".into() });
    Some(Project { language: "C or C++", manifest: meson.or(here).or_else(below)?, checks: check.into_iter().collect() })
}
