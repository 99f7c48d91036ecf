//! The functions of wit/world.wit. The crate `intervals`, which the build writes, has their types and the trait `Guest`.
use intervals::{Guest, Interval};

struct Function;

impl Guest for Function {
    fn merge(mut all: Vec<Interval>) -> Result<Vec<Interval>, String> {
        if let Some(bad) = all.iter().find(|each| each.end < each.start) {
            return Err(format!("{} to {} ends before it starts", bad.start, bad.end));
        }
        all.sort_by_key(|each| each.start);
        let mut merged: Vec<Interval> = Vec::new();
        for next in all {
            match merged.last_mut() {
                Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
                _ => merged.push(next),
            }
        }
        Ok(merged)
    }

    fn overlap(a: Interval, b: Interval) -> Option<Interval> {
        let (start, end) = (a.start.max(b.start), a.end.min(b.end));
        (start <= end).then_some(Interval { start, end })
    }
}

intervals::export!(Function);
