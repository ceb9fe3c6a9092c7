//! x
use super::{Answer, context::Context};
use crate::model::Result;
/// Demo
#[derive(Debug, clap::Args)]
pub struct Args {}
pub fn run(_args: &Args, _context: &Context) -> Result<Answer> {
    Answer::yes("", &())
}
