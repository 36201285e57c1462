//! Instructions, counted by callgrind in a process of its own.
//!
//! The program starts itself under `valgrind`. Callgrind counts while [`collected`] runs, and
//! writes a file with the count whenever [`done`] has run, which is once for each case.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io, process};

use super::group::{Case, Entry, Group};
use super::time::median;

pub(crate) struct Callgrind {
    /// The result is the median of so many.
    pub(crate) processes: usize,
}

impl Callgrind {
    /// What one request takes, for each of so many cases; `None` without valgrind.
    pub(crate) fn count(&self, cases: usize) -> Result<Option<Vec<f64>>, Box<dyn Error>> {
        let mut counts = Vec::new();
        for _ in 0..self.processes {
            match count_once() {
                // Had callgrind not found our functions, everything would cost nothing.
                Ok(count) if count.len() != cases || count.contains(&0.0) => {
                    return Err(format!("callgrind counted no more than {count:?}").into());
                }
                Ok(count) => counts.push(count),
                Err(Failure::NoValgrind) if env::var_os(REQUIRE_ALL).is_none() => {
                    eprintln!("no instructions, as there is no `valgrind` on the PATH");
                    return Ok(None);
                }
                Err(Failure::NoValgrind) => return Err("there is no `valgrind`".into()),
                Err(Failure::Other(error)) => return Err(error),
            }
        }
        let of_case = |case: usize| counts.iter().map(|count| count[case]).collect();
        Ok(Some((0..cases).map(|case| median(of_case(case))).collect()))
    }
}

enum Failure {
    NoValgrind,
    Other(Box<dyn Error>),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.into())
    }
}

fn count_once() -> Result<Vec<f64>, Failure> {
    let directory = env::temp_dir().join(format!("donjon-overhead-{}", process::id()));
    fs::create_dir_all(&directory)?;
    let counted = callgrind(&directory).and_then(|()| read(&directory));
    fs::remove_dir_all(&directory)?;
    counted
}

fn callgrind(directory: &Path) -> Result<(), Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg("--toggle-collect=*::measure::instructions::collected*")
        .arg("--dump-after=*::measure::instructions::done*")
        .arg(format!("--callgrind-out-file={}", directory.join("out").display()))
        .arg(env::current_exe()?)
        .env(UNDER_CALLGRIND, "1")
        .stdout(Stdio::null())
        .output();
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::NoValgrind),
        Err(error) => Err(error.into()),
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Failure::Other(String::from_utf8_lossy(&output.stderr).into())),
    }
}

/// The counts, in the order of the files `out.1`, `out.2`, and so on.
fn read(directory: &Path) -> Result<Vec<f64>, Failure> {
    let mut counts = Vec::new();
    while let Ok(file) = fs::read_to_string(directory.join(format!("out.{}", counts.len() + 1))) {
        let total = file.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.and_then(|total| total.trim().parse::<f64>().ok());
        let total = total.ok_or(Failure::Other("callgrind wrote no totals".into()))?;
        counts.push(total / f64::from(REQUESTS));
    }
    Ok(counts)
}

pub(crate) fn is_under_callgrind() -> bool {
    env::var_os(UNDER_CALLGRIND).is_some()
}

/// What the program does under callgrind.
pub(crate) fn collect(groups: &mut [Group]) {
    for Entry { case, .. } in groups.iter_mut().flat_map(|group| &mut group.entries) {
        let requests = usize::from(REQUESTS);
        case.warm_up(requests);
        // A block more on the heap for each request: whether one grows in place is worth hundreds of
        // instructions, and not to be left to the luck of one layout.
        let mut blocks = Vec::with_capacity(requests);
        for request in 0..requests {
            blocks.push(vec![0_u8; 16 + 997 * request % 4096]);
            case.prepare(1);
            collected(&mut **case);
        }
        done();
        drop(black_box(blocks));
    }
}

/// Callgrind knows it by its name.
#[inline(never)]
fn collected(case: &mut dyn Case) {
    case.serve();
}

/// Likewise.
#[inline(never)]
fn done() {
    black_box(());
}

const REQUESTS: u16 = 400;
const UNDER_CALLGRIND: &str = "DONJON_UNDER_CALLGRIND";
/// What is skipped is a failure.
const REQUIRE_ALL: &str = "DONJON_REQUIRE_ALL";
