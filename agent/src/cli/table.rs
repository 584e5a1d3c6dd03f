//! Columns of text.

use crate::telemetry::escaped;
use std::io::{self, Write};

/// Writes rows with columns as wide as their widest cell; the first row is the heading. Cells are escaped.
pub(super) fn write(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| escaped(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column| {
        rows.iter()
            .filter_map(|row: &Vec<String>| row.get(column))
            .map(|cell: &String| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_cells_stay_on_their_line() {
        let mut out = Vec::new();
        let rows = [vec!["a".into(), "b".into()], vec!["long\n".into(), "x".into()]];
        write(&mut out, &rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a       b\nlong\\n  x\n");
    }
}
