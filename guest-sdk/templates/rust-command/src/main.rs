//! Standard input to standard output; what is wrong goes to standard error, and makes the exit status other than 0.
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let columns: Vec<usize> = match std::env::args().skip(1).map(|word| word.parse()).collect() {
        Ok(columns) => columns,
        Err(_) => {
            eprintln!("expected numbers of columns, counted from 1");
            return ExitCode::from(2);
        }
    };
    match select(&columns) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes these columns of each line, or all when there are none to choose.
fn select(columns: &[usize]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let chosen: Vec<&str> = match columns {
            [] => words,
            _ => columns.iter().filter_map(|at| words.get(at.checked_sub(1)?)).copied().collect(),
        };
        writeln!(out, "{}", chosen.join(" "))?;
    }
    out.flush()
}
