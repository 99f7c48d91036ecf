// time limit: 300 s
import { suite } from 'uvu';
import { tryCounter } from '../../../support/importing-world.ts';

const imports = suite('what a function in Rust imports');

const COUNTER = `use counter::{clocks::monotonic_clock, config, io::poll, keyvalue::{atomics, batch, store}, logging::logging, Guest};
use std::error::Error;
struct F;
fn count(key: &str) -> Result<i64, Box<dyn Error>> {
    let step: i64 = config::store::get("step")?.ok_or("no step")?.parse()?;
    let bucket = store::open("default")?;
    Ok(atomics::increment(&bucket, key, step)?)
}
fn swap(key: &str, value: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let bucket = store::open("default")?;
    let mut cas = atomics::Cas::new(&bucket, key)?;
    let before = cas.current()?;
    loop {
        match atomics::swap(cas, value) {
            Ok(()) => return Ok(before),
            Err(atomics::CasError::CasFailed(next)) => cas = next,
            Err(other) => return Err(other.into()),
        }
    }
}
fn fill(n: u32) -> Result<Vec<String>, Box<dyn Error>> {
    let bucket = store::open("default")?;
    let names: Vec<String> = (0..n).map(|at| format!("k{at}")).collect();
    let pairs: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    batch::set_many(&bucket, &pairs)?;
    let keys: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = batch::get_many(&bucket, &keys)?;
    logging::log(logging::Level::Info, "fill", "done");
    assert!(bucket.exists("k0")? && bucket.get("nope")?.is_none());
    let page = bucket.list_keys(None)?;
    assert!(page.keys.len() >= n as usize);
    Ok(all.into_iter().flatten().map(|(key, value)| format!("{key}={}", String::from_utf8(value).unwrap())).collect())
}
impl Guest for F {
    fn count(key: String) -> Result<i64, String> { count(&key).map_err(|e| e.to_string()) }
    fn swap(key: String, value: Vec<u8>) -> Result<Option<Vec<u8>>, String> { swap(&key, &value).map_err(|e| e.to_string()) }
    fn fill(n: u32) -> Result<Vec<String>, String> { fill(n).map_err(|e| e.to_string()) }
    fn ready() -> Vec<u32> {
        let soon = monotonic_clock::subscribe_duration(1);
        let later = monotonic_clock::subscribe_duration(60_000_000_000);
        poll::poll(&[&later, &soon])
    }
}
counter::export!(F);
`;

imports('counts in keyvalue, reads its configuration, and waits', () => tryCounter('f.rs', COUNTER));

imports.run();
