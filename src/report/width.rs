//! How wide a text is on a terminal, and texts made to fit: one measure for all of them.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The columns that `text` takes. What a reader sees as one character is measured as a whole, as ratatui does it: an emoji with its
/// skin tone is two columns wide, and so is a family of four. So the measure of a text is the sum of its parts.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// `text` in lines of at most `room` columns, broken at blanks, and within a word only where that alone is wider than a line. A
/// character that is wider than `room` stands alone.
pub fn wrap(text: &str, room: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let (mut start, mut at, mut used) = (0, 0, 0);
    for part in text.split_inclusive(' ') {
        let word = part.trim_end_matches(' ');
        if !word.is_empty() && used + width(word) > room && at > start {
            lines.push(text[start..at].trim_end());
            (start, used) = (at, 0);
        }
        for character in word.graphemes(true) {
            let wide = character.width();
            if used + wide > room && at > start {
                lines.push(&text[start..at]);
                (start, used) = (at, 0);
            }
            (at, used) = (at + character.len(), used + wide);
        }
        let blanks = part.len() - word.len();
        (at, used) = (at + blanks, used + blanks);
    }
    lines.push(text[start..].trim_end());
    lines
}

/// `text` in exactly `room` columns, the end cut off and marked where it is wider.
pub fn fit(text: &str, room: usize) -> String {
    let wide = width(text);
    if wide <= room {
        return format!("{text}{:1$}", "", room - wide);
    }
    let mut fitted = String::new();
    let mut used = 0;
    for character in text.graphemes(true) {
        if used + character.width() + 1 > room {
            break;
        }
        fitted.push_str(character);
        used += character.width();
    }
    let mark = if room > 0 { "~" } else { "" };
    format!("{fitted}{mark}{:1$}", "", room.saturating_sub(used + 1))
}

/// The end of `text` that `room` columns hold.
pub fn end(text: &str, room: usize) -> &str {
    let mut left = width(text);
    let mut characters = text.graphemes(true);
    while left > room
        && let Some(character) = characters.next()
    {
        left -= character.width();
    }
    characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::{end, fit, width, wrap};

    /// Emoji with variation selectors, in sequences and with skin tones, flags, wide letters and combining marks.
    const HARD: [&str; 8] = [
        "⚠️ warn ☀️☀️☀️ ▶️ and ☎️",
        "👨‍👩‍👧‍👦 👩🏽‍🚀👩🏽‍🚀 🏳️‍🌈",
        "feat/👍🏽-x 👍🏿👍🏻",
        "日本語の枝 テスト한국어",
        "e\u{301}te\u{301} a\u{300}\u{301}\u{302}bc नमस्ते",
        "🇩🇪🇫🇷 1️⃣2️⃣",
        "  plain words,  two blanks  ",
        "",
    ];

    #[test]
    fn what_looks_like_one_character_is_measured_as_one() {
        for (text, columns) in [("⚠️", 2), ("👍🏽", 2), ("👨‍👩‍👧‍👦", 2), ("日本", 4), ("e\u{301}", 1), ("🇩🇪", 2), ("abc", 3)]
        {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn nothing_is_wider_than_its_room_and_nothing_is_lost() {
        let bare = |text: &str| text.replace(' ', "");
        for text in HARD.into_iter().flat_map(|text| [text.to_string(), text.repeat(12), text.replace(' ', "").repeat(20)]) {
            for room in 0..=130 {
                let lines = wrap(&text, room);
                assert!(lines.iter().all(|line| width(line) <= room.max(2)), "{room}: {lines:?}");
                assert_eq!(bare(&lines.concat()), bare(&text), "{room}");
                assert_eq!(width(&fit(&text, room)), room, "{text}");
                assert!(width(end(&text, room)) <= room && text.ends_with(end(&text, room)), "{room}: {text}");
            }
            assert_eq!(wrap(&text, width(&text)), [text.trim_end()]);
        }
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(wrap("feat/👍🏽-x and more", 10), ["feat/👍🏽-x", "and more"]);
        assert_eq!(wrap("a long-winded word", 6), ["a", "long-w", "inded", "word"]);
        assert_eq!((fit("feat/👍🏽-x", 7), fit("feat/👍🏽-x", 9), fit("日本", 3)), ("feat/~ ".into(), "feat/👍🏽-x".into(), "日~".into()));
    }
}
