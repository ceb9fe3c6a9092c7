//! Simulated runs as a picture: what each worker did when, and what came of it, one run below the other in the same time.

use super::style::{escape, printable};
use crate::model::{
    simulation::{Scene, Simulated, Work, WorkEnd},
    time::human,
};
use std::time::Duration;

/// The width of the longest run, in pixels, and the height of a worker.
const WIDTH: f64 = 1000.0;
const ROW: f64 = 14.0;
const MARGIN: f64 = 12.0;

/// Work is told apart by lightness and by a pattern, not by hue alone (Okabe and Ito's colours).
fn look(end: WorkEnd) -> (&'static str, &'static str) {
    match end {
        WorkEnd::Green => ("#009e73", "green"),
        WorkEnd::Red => ("#b03000", "red"),
        WorkEnd::Unused => ("#c8c8c8", "decided nothing"),
        WorkEnd::Stopped => ("url(#stopped)", "stopped"),
    }
}

/// The runs as an SVG document.
pub fn timeline(scene: &Scene, workers: usize, runs: &[(&Simulated, &[Work])]) -> String {
    let longest = runs.iter().map(|(run, _)| run.seconds).fold(f64::MIN_POSITIVE, f64::max);
    let panel = ROW * workers as f64 + 44.0;
    let (width, height) = (WIDTH + 2.0 * MARGIN, panel * runs.len() as f64 + 40.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<defs><pattern id=\"stopped\" width=\"4\" height=\"4\" \
         patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"4\" height=\"4\" fill=\"#f0f0f0\"/>\
         <rect width=\"2\" height=\"4\" fill=\"#909090\"/></pattern></defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let mut write = |line: String| svg.push_str(&line);
    for (at, (run, work)) in runs.iter().enumerate() {
        let top = panel * at as f64 + 24.0;
        let time = human(Duration::from_secs_f64(run.seconds));
        let words = format!("{}: {} landed, {} executions, {time}", run.batch.word(), run.landed, run.executions);
        write(format!("<text x=\"{MARGIN}\" y=\"{}\">{}</text>\n", top - 6.0, escape(&words)));
        for work in *work {
            let (colour, end) = look(work.end);
            let (x, y) = (MARGIN + WIDTH * work.time.0 / longest, top + ROW * work.worker as f64);
            let side = (WIDTH * (work.time.1 - work.time.0) / longest).max(0.5);
            let name = |list: Option<&String>| printable(list.map_or("", String::as_str));
            let item = name(scene.items.get(work.item).map(|item| &item.name));
            let gate = name(scene.gates.get(work.gate).map(|gate| &gate.name));
            let title = escape(&format!("{item}, {gate}: {end}, {}", human(Duration::from_secs_f64(work.time.1 - work.time.0))));
            write(format!(
                "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{side:.1}\" height=\"{}\" fill=\"{colour}\" stroke=\"#ffffff\" \
                 stroke-width=\"0.5\"><title>{title}</title></rect>\n",
                ROW - 2.0
            ));
        }
        let bottom = top + ROW * workers as f64 + 4.0;
        write(format!(
            "<line x1=\"{MARGIN}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\" stroke=\"#404040\"/>\n",
            MARGIN + WIDTH * run.seconds / longest
        ));
    }
    let mut x = MARGIN;
    for end in [WorkEnd::Green, WorkEnd::Red, WorkEnd::Unused, WorkEnd::Stopped] {
        let (colour, words) = look(end);
        let y = height - 24.0;
        write(format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\n<text x=\"{}\" y=\"{}\">{words}</text>\n",
            x + 18.0,
            y + 10.0
        ));
        x += 40.0 + 7.0 * words.len() as f64;
    }
    write("</svg>\n".into());
    svg
}
