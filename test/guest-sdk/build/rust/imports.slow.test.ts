import { suite } from 'uvu';
import { tryCounter, tryTally } from '../../../support/importing-world.ts';
import { tryLowering } from '../../../support/lowered-world.ts';

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

const LOWERING = `use w::{b::e::{self, Box_, En, Fl, Pair, V}, Guest};
struct F;
impl Guest for F { fn run() -> String {
    let p = Pair { a: "ä".into(), b: vec![-1, 2], c: -0.5 };
    let mut out = vec![];
    for v in [V::None, V::F(1.5), V::D(-2.25), V::I(-3), V::P(p.clone()), V::S("s".into()), V::L(u64::MAX)] {
        assert_eq!(e::few(-1, &v, Fl::X | Fl::Z, En::Two), v);
        let b = Box_::new(&v);
        assert_eq!(b.get(), v);
        let n = e::eat(b, Ok(Box_::new(&v)));
        assert!(n.len() == 2 && n[1].get() == v);
        out.push(e::many(-1, u64::MAX, 0.5, "d", Some("e"), &v, Fl::Y, En::One, '😀', &[v.clone(), V::I(-1)], (true, -9), &p));
    }
    assert_eq!(e::one(-1.5), -1.5);
    assert_eq!(e::neg(-2), -2);
    assert_eq!(e::rec(&p, Some(&p)), (p.clone(), Some(p.clone())));
    assert_eq!(e::rec(&p, None).1, None);
    out.join("\\n")
} }
w::export!(F);
`;

imports('is given values of every shape', () => tryLowering('f.rs', LOWERING));

const TALLY = `use std::{env, process::ExitCode};
use tally::{config, keyvalue::{atomics, store}, Guest};
struct F;
impl Guest for F { fn twice(n: u32) -> u32 { 2 * n } }
tally::export!(F);
fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let [key, count] = words.as_slice() else { return ExitCode::from(2) };
    println!("{key} {}", add(key, count.parse().unwrap()).unwrap());
    ExitCode::SUCCESS
}
fn add(key: &str, count: usize) -> Result<i64, Box<dyn std::error::Error>> {
    let step: i64 = config::store::get("step")?.ok_or("no step")?.parse()?;
    let bucket = store::open("default")?;
    (0..count).try_fold(0, |_, _| Ok(atomics::increment(&bucket, key, step)?))
}
`;

imports('is there for a program, too', () => tryTally('main.rs', TALLY));

imports("is there for a program of cargo's", () =>
  tryTally(
    'Cargo.toml',
    '',
    {},
    {
      'Cargo.toml': '[package]\nname = "tally-program"\nversion = "0.1.0"\nedition = "2024"\n',
      'src/main.rs': TALLY,
    },
  ),
);

imports.run();
