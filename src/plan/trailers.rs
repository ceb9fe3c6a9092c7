//! `Depends-On:` trailers of commit messages (git-interpret-trailers(1)).

use gix::objs::commit::MessageRef;

/// The values of all `Depends-On:` trailers of `message`, split at commas, in order.
pub fn depends_on(message: &str) -> Vec<String> {
    let message = MessageRef::from_bytes(message.as_bytes());
    let Some(body) = message.body() else { return Vec::new() };
    body.trailers()
        .filter(|t| t.token.eq_ignore_ascii_case(b"depends-on"))
        .flat_map(|t| t.value.to_string().split(',').map(|v| v.trim().to_string()).collect::<Vec<_>>())
        .filter(|v| !v.is_empty())
        .collect()
}

/// Whether a dependency names a change of another repository: `owner/repo#4`.
pub fn is_elsewhere(dependency: &str) -> bool {
    dependency
        .split_once('#')
        .is_some_and(|(repo, number)| repo.contains('/') && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// A pull or merge request that is named by its page, `https://host/owner/repo/pull/3`, as its number, `#3`.
pub fn number_of_page(dependency: &str) -> Option<String> {
    let (scheme, rest) = dependency.split_once("://")?;
    let path = rest.split(['?', '#']).next()?.trim_end_matches('/');
    let (before, number) = path.rsplit_once('/')?;
    let kind = before.rsplit('/').next()?;
    let is_page = ["http", "https"].contains(&scheme) && ["pull", "pulls", "merge_requests"].contains(&kind);
    number.parse::<u64>().ok().filter(|_| is_page).map(|n| format!("#{n}"))
}

/// The item names under which `#12` may stand in a plan.
pub fn pull_request_names(dependency: &str) -> Vec<String> {
    let number = dependency.trim_start_matches("PR-").trim_start_matches("pr-").trim_start_matches('#');
    match number.parse::<u64>() {
        Ok(n) => vec![format!("#{n}"), format!("PR-{n}"), format!("pr-{n}"), format!("pr/{n}"), format!("pull/{n}"), n.to_string()],
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_are_read_from_the_last_paragraph_only() {
        let message = "Add a\n\nDepends-On: not-a-trailer here\n\nMore text.\n\nDepends-On: feat/b, #12\nSigned-off-by: A <a@b.c>\ndepends-on: other/repo#4\n";
        assert_eq!(depends_on(message), ["feat/b", "#12", "other/repo#4"]);
        assert_eq!(depends_on("Depends-On: x"), Vec::<String>::new(), "a subject is no trailer");
    }

    #[test]
    fn only_a_slash_before_the_number_names_another_repository() {
        assert!(is_elsewhere("owner/repo#4"));
        assert!(!is_elsewhere("#4"));
        assert!(!is_elsewhere("feat/b"));
        assert_eq!(pull_request_names("#12")[..2], ["#12", "PR-12"]);
        assert!(pull_request_names("feat/12").is_empty());
    }

    #[test]
    fn the_page_of_a_pull_request_has_its_number() {
        for page in [
            "https://github.com/o/r/pull/3",
            "https://git.example.org/o/r/pulls/3/",
            "http://gitlab.example.org/g/sub/r/-/merge_requests/3#note_1",
        ] {
            assert_eq!(number_of_page(page).as_deref(), Some("#3"), "{page}");
        }
        for other in ["https://github.com/o/r/issues/3", "https://github.com/o/r/pull/x", "feat/pull/3", "ftp://h/o/r/pull/3"] {
            assert_eq!(number_of_page(other), None, "{other}");
        }
    }
}
