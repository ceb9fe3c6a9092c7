//! The one line of a command's output that a person is shown.

/// How far from the end of an output a line may be to be taken for the reason, in lines.
const NEAR: usize = 60;

/// What a person is shown of a line, in characters.
const SHOWN: usize = 160;

/// How much a line tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// That something failed, or how many did.
    Little,
    Something,
    /// An error.
    Error,
    /// What failed.
    Failure,
}

/// The line of what a command wrote that tells most: the last one of those that name what failed, then of those that name an error, then of
/// the others. Rulers, counts, and tools that say no more than that they failed come last.
pub(super) fn telling_line(stdout: &[u8], stderr: &[u8]) -> Option<String> {
    let (stdout, stderr) = (String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    let near = |text: &'_ str| -> Vec<String> {
        let lines = text.lines().rev().map(|line| console::strip_ansi_codes(line).trim().to_string());
        lines.filter(|line| line.chars().any(char::is_alphanumeric)).take(NEAR).collect()
    };
    // Of equal ones, what is on stderr, and what comes last.
    let lines = near(&stdout).into_iter().rev().chain(near(&stderr).into_iter().rev());
    lines.max_by_key(|line| worth(line)).map(|line| shown(&line))
}

/// The last line that is not empty.
pub(super) fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(shown)
}

fn shown(line: &str) -> String {
    line.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

fn worth(line: &str) -> Worth {
    let begins = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
    if begins(&["--- FAIL: ", "FAIL: ", "FAIL ", "ERROR: "]) || line.contains(" panicked at ") {
        return Worth::Failure;
    }
    if line.strip_prefix("FAILED ").is_some_and(|rest| !rest.starts_with('(')) {
        return Worth::Failure;
    }
    if is_ruler(line) || counts(line) || begins(&SAYS_NO_MORE) {
        return Worth::Little;
    }
    if line.to_lowercase().contains("error") || names_a_rule(line) { Worth::Error } else { Worth::Something }
}

/// Whether a line is a linter's, by the code of what it found: `F401`, `a.py:1:8: E501`.
fn names_a_rule(line: &str) -> bool {
    line.split_whitespace().take(2).any(|word| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
        (1..=4).contains(&(word.len() - digits.len())) && (3..=4).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit())
    })
}

/// How lines begin by which a tool says that another failed, or where to read more.
const SAYS_NO_MORE: [&str; 8] = [
    "make: ***",
    "error: test failed, to rerun",
    "error: could not compile",
    "For more information",
    "npm ",
    "FAIL\t",
    "FAILED (",
    "note: ",
];

/// Whether a line is one of a table or a heading: `=== FAILURES ===`.
fn is_ruler(line: &str) -> bool {
    let mut chars = line.chars();
    chars.next().is_some_and(|first| !first.is_alphanumeric() && chars.next() == Some(first) && chars.next() == Some(first))
}

/// Whether a line says how many there were: `1 failed in 0.02s`, `Found 1 error.`.
fn counts(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let is_number = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    let counted = ["error", "fail", "fixable", "pass", "problem", "test", "total", "warning"];
    words.windows(2).any(|two| is_number(two[0]) && counted.iter().any(|what| two[1].starts_with(what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What tools really wrote to stdout and stderr, and the line that tells most of it.
    #[test]
    fn the_line_that_tells_most_is_found_in_what_tools_write() {
        let outputs = [
            // pytest 9.2, with and without its rulers.
            (
                "    def test_total():\n>       assert 1 + 1 == 3\nE       assert (1 + 1) == 3\n\nt_pytest.py:2: AssertionError\n\
                 =========================== short test summary info ============================\n\
                 FAILED t_pytest.py::test_total - assert (1 + 1) == 3\n1 failed in 0.02s\n",
                "",
                "FAILED t_pytest.py::test_total - assert (1 + 1) == 3",
            ),
            (
                "t_col.py:1: in <module>\n    import nothere_xyz\nE   ModuleNotFoundError: No module named 'nothere_xyz'\n\
                 =========================== short test summary info ============================\nERROR t_col.py\n\
                 !!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!\n\
                 =============================== 1 error in 0.10s ===============================\n",
                "",
                "ERROR t_col.py",
            ),
            ("", "/usr/bin/python3: No module named pytest\n", "/usr/bin/python3: No module named pytest"),
            // ruff 0.17 and the first ones.
            (
                "F401 [*] `os` imported but unused\n --> r.py:1:8\n  |\n1 | import os\n  |        ^^\nhelp: Remove unused import: `os`\n  |\n  \
                 - import os\n  |\n\nFound 1 error.\n[*] 1 fixable with `--fix`.\n",
                "",
                "F401 [*] `os` imported but unused",
            ),
            (
                "a.py:1:8: F401 [*] `os` imported but unused\nFound 1 error.\n[*] 1 fixable with the `--fix` option.\n",
                "",
                "a.py:1:8: F401 [*] `os` imported but unused",
            ),
            // cargo test: a test that fails, and what does not compile.
            (
                "\nrunning 1 test\ntest adds ... FAILED\n\nfailures:\n\n---- adds stdout ----\n\n\
                 thread 'adds' (14134) panicked at src/lib.rs:3:5:\nassertion `left == right` failed\n  left: 2\n right: 3\n\
                 note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n\nfailures:\n    adds\n\n\
                 test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.09s\n\n",
                "    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.23s\n\
                 error: test failed, to rerun pass `--lib`\n",
                "thread 'adds' (14134) panicked at src/lib.rs:3:5:",
            ),
            (
                "",
                "error[E0425]: cannot find value `y` in this scope\n --> src/lib.rs:1:20\n  |\n1 | pub fn x() -> u8 { y }\n  |   ^ not \
                 found in this scope\n\nFor more information about this error, try `rustc --explain E0425`.\n\
                 error: could not compile `ct` (lib test) due to 1 previous error\n",
                "error[E0425]: cannot find value `y` in this scope",
            ),
            // jest 30.
            (
                "",
                "FAIL ./sum.test.js\n  ✕ adds (3 ms)\n\n  ● adds\n\n    expect(received).toBe(expected) // Object.is equality\n\n    \
                 Expected: 3\n    Received: 2\n\n      at Object.toBe (sum.test.js:2:17)\n\nTest Suites: 1 failed, 1 total\n\
                 Tests:       1 failed, 1 total\nSnapshots:   0 total\nTime:        0.272 s\nRan all test suites.\n",
                "FAIL ./sum.test.js",
            ),
            // go test.
            (
                "--- FAIL: TestAdd (0.00s)\n    add_test.go:7: got 2, want 3\nFAIL\nFAIL\texample.com/add\t0.002s\nFAIL\n",
                "",
                "--- FAIL: TestAdd (0.00s)",
            ),
            // make, of a compiler and of pytest.
            (
                "cc -o x x.c\n",
                "x.c: In function ‘main’:\nx.c:1:25: error: ‘y’ undeclared (first use in this function)\n    1 | int main(void) { \
                 return y; }\n      |                         ^\nmake: *** [Makefile:2: test] Error 1\n",
                "x.c:1:25: error: ‘y’ undeclared (first use in this function)",
            ),
            (
                "FAILED t_pytest.py::test_total - assert (1 + 1) == 3\n1 failed in 0.02s\n",
                "make: *** [Makefile:2: test] Error 1\n",
                "FAILED t_pytest.py::test_total - assert (1 + 1) == 3",
            ),
            // Python's unittest.
            (
                "",
                "FAIL: test_x (t.T)\n----------------------------------------------------------------------\nAssertionError: 1 != 2\n\n\
                 ----------------------------------------------------------------------\nRan 1 test in 0.000s\n\nFAILED (failures=1)\n",
                "FAIL: test_x (t.T)",
            ),
            // Where nothing else is said.
            ("", "make: *** [Makefile:2: test] Error 1\n\n----\n", "make: *** [Makefile:2: test] Error 1"),
            ("first\nlast\n", "", "last"),
            ("out\n", "\u{1b}[31mtests/prices.sh failed\u{1b}[0m\n", "tests/prices.sh failed"),
        ];
        for (stdout, stderr, line) in outputs {
            assert_eq!(telling_line(stdout.as_bytes(), stderr.as_bytes()).as_deref(), Some(line));
        }
        assert_eq!(telling_line(b"", b"\n ---- \n"), None);
    }
}
