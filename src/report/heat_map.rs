//! A forecast as a picture: a square per pair of items, the darker the more files conflict.

use super::{style::escape, width::width};
use crate::model::forecast::Forecast;
use std::collections::HashMap;

/// The side of a square, in pixels, between these: small enough that 200 items fit on a screen, large enough to read few.
const CELL: (usize, usize) = (6, 22);

/// The width that squares should fill, in pixels.
const WIDTH: usize = 1000;

/// From few conflicting files to many: a ramp whose lightness falls, so that it reads without colour too (ColorBrewer's YlOrBr).
const RAMP: [&str; 4] = ["#fec44f", "#ec7014", "#b8430a", "#662506"];

/// The matrix as an SVG document. Items that cannot land even alone are struck through in their row.
pub fn heat_map(forecast: &Forecast) -> String {
    let count = forecast.items.len();
    let cell = (WIDTH / count.max(1)).clamp(CELL.0, CELL.1);
    let font = (cell - 1).clamp(5, 12);
    let longest = forecast.items.iter().map(|name| width(name)).max().unwrap_or(0);
    let margin = longest * font * 6 / 10 + 12;
    let size = margin + count * cell + 12;
    let height = size + 40;
    let place: HashMap<&str, usize> = forecast.items.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{size}\" height=\"{height}\" viewBox=\"0 0 {size} {height}\" font-family=\"sans-serif\" font-size=\"{font}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let mut write = |line: String| svg.push_str(&line);
    for (at, name) in forecast.items.iter().enumerate() {
        let (middle, start) = (margin + at * cell + cell / 2, margin - 6);
        let unfit = forecast.alone.iter().any(|u| u.item == *name);
        let look = if unfit { " text-decoration=\"line-through\" fill=\"#b8430a\"" } else { "" };
        let name = escape(name);
        write(format!("<text x=\"{start}\" y=\"{middle}\" text-anchor=\"end\" dominant-baseline=\"central\"{look}>{name}</text>\n"));
        write(format!("<text transform=\"translate({middle} {start}) rotate(-90)\" dominant-baseline=\"central\"{look}>{name}</text>\n"));
        let (x, side) = (margin + at * cell, cell - 1);
        write(format!("<rect x=\"{x}\" y=\"{x}\" width=\"{side}\" height=\"{side}\" fill=\"#d0d0d0\"/>\n"));
    }
    for clash in &forecast.clashes {
        let (Some(one), Some(other)) = (place.get(clash.one.as_str()), place.get(clash.other.as_str())) else { continue };
        let colour = RAMP[(clash.places.len().max(1) - 1).min(RAMP.len() - 1)];
        let places: Vec<String> = clash.places.iter().map(ToString::to_string).collect();
        let title = escape(&format!("{} and {}: {}", clash.one, clash.other, places.join(", ")));
        for (column, row) in [(one, other), (other, one)] {
            let (x, y, side) = (margin + column * cell, margin + row * cell, cell - 1);
            write(format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{colour}\"><title>{title}</title></rect>\n"
            ));
        }
    }
    let words = format!("{} items, {} pairs conflict, {} can land together", count, forecast.clashes.len(), forecast.together.len());
    let (square, line) = (count * cell, height - 16);
    write(format!("<rect x=\"{margin}\" y=\"{margin}\" width=\"{square}\" height=\"{square}\" fill=\"none\" stroke=\"#808080\"/>\n"));
    write(format!("<text x=\"12\" y=\"{line}\" font-size=\"14\">{}</text>\n</svg>\n", escape(&words)));
    svg
}
