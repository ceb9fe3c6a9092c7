//! The terminal of a progress bar, a little narrower than it is.

use console::Term;
use indicatif::TermLike;
use std::io::Result;

/// Columns that stay free. A bar fills its line, and a terminal writes `^C` behind it: on a full line that would go to the
/// next one, and clearing would leave the bar above standing.
const FREE: u16 = 4;

/// Standard error as a [`TermLike`].
#[derive(Debug)]
pub struct Narrow(Term);

impl Narrow {
    pub fn stderr() -> Self {
        Narrow(Term::buffered_stderr())
    }
}

impl TermLike for Narrow {
    fn width(&self) -> u16 {
        TermLike::width(&self.0).saturating_sub(FREE)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.0)
    }

    fn move_cursor_up(&self, n: usize) -> Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> Result<()> {
        self.0.flush()
    }
}
