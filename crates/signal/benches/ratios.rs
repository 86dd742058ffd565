//! Ours against the official library driven from Node, and against ourselves in WebAssembly, in one run:
//! `scripts/bench-ratios.sh`.
//!
//! All sides read their session from bytes before each message and write it to bytes after, prekeys too. Rounds
//! alternate, so that all meet the same noise; what counts is the median of the rounds' ratios.

mod end;

use std::{
    env,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use end::{End, established, ping_pong};
use serde::Deserialize;

const MESSAGES: usize = 1000;
const SETUPS: usize = 100;
const USAGE: &str = "\
Usage: scripts/bench-ratios.sh [--rounds N] [--json] [VERSION]

Measures the official library, ours, and ours in WebAssembly by turns; prints how many times faster ours is, and how
its sessions compare in size. Times are microseconds per operation of 100 bytes, medians over the rounds (default 5).";

/// What `interop/official/bench.mjs --json` prints. Of each size the first is the initiator's, the second the
/// responder's.
#[derive(Deserialize, Clone)]
struct Figures {
    #[serde(default)]
    version: String,
    setup_us: f64,
    encrypt_us: f64,
    decrypt_us: f64,
    pingpong_us: f64,
    sizes: Sizes,
}

#[derive(Deserialize, Clone)]
struct Sizes {
    first_reply: [usize; 2],
    one_direction: [usize; 2],
    pingpong: [usize; 2],
    pingpong_max: [usize; 2],
}

/// Runs a bench in Node that prints its figures as JSON.
fn in_node(bench: PathBuf) -> Figures {
    let output =
        Command::new("node").arg(bench).args(["--json", "--rounds", "1"]).output().expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("figures in JSON")
}

fn interop() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../interop")
}

fn official() -> Figures {
    let folder = env::var_os("TRADEPOST_OFFICIAL").map_or_else(|| interop().join("official"), PathBuf::from);
    in_node(folder.join("bench.mjs"))
}

fn wasm() -> Figures {
    in_node(interop().join("wasm/bench.mjs"))
}

/// Microseconds of each of `count` operations.
fn time(count: usize, work: impl FnOnce()) -> f64 {
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    let start = Instant::now();
    work();
    micros(start.elapsed()) / count as f64
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn ours() -> Figures {
    let mut setup = 0.0;
    for _ in 0..SETUPS {
        let (mut initiator, mut responder) = (End::new(1, 2), End::new(2, 1));
        setup += time(SETUPS, || {
            initiator.start(&responder);
            let message = initiator.send();
            responder.receive(&message);
        });
    }

    let (mut initiator, mut responder) = established();
    let sizes = |initiator: &End, responder: &End| [initiator.stored_len(), responder.stored_len()];
    let first_reply = sizes(&initiator, &responder);
    let mut sent = Vec::with_capacity(MESSAGES);
    let encrypt = time(MESSAGES, || sent.extend((0..MESSAGES).map(|_| initiator.send())));
    let decrypt = time(MESSAGES, || sent.iter().for_each(|message| responder.receive(message)));
    let one_direction = sizes(&initiator, &responder);

    let (mut initiator, mut responder) = established();
    let mut largest = sizes(&initiator, &responder);
    let pingpong = time(MESSAGES, || {
        for round in 1..=MESSAGES / 2 {
            ping_pong(&mut initiator, &mut responder);
            if round % 5 == 0 {
                let now = sizes(&initiator, &responder);
                largest = [largest[0].max(now[0]), largest[1].max(now[1])];
            }
        }
    });
    Figures {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        setup_us: setup,
        encrypt_us: encrypt,
        decrypt_us: decrypt,
        pingpong_us: pingpong,
        sizes: Sizes {
            first_reply,
            one_direction,
            pingpong: sizes(&initiator, &responder),
            pingpong_max: largest,
        },
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One line of the table of times.
struct Line {
    what: &'static str,
    theirs: f64,
    ours: f64,
    ratio: f64,
    target: f64,
    wasm: f64,
    wasm_ratio: f64,
}

/// The figures of one round.
struct Round {
    theirs: Figures,
    ours: Figures,
    wasm: Figures,
}

fn lines(rounds: &[Round]) -> Vec<Line> {
    let line = |what, target, figure: fn(&Figures) -> f64| Line {
        what,
        theirs: median(rounds.iter().map(|round| figure(&round.theirs)).collect()),
        ours: median(rounds.iter().map(|round| figure(&round.ours)).collect()),
        ratio: median(rounds.iter().map(|round| figure(&round.theirs) / figure(&round.ours)).collect()),
        target,
        wasm: median(rounds.iter().map(|round| figure(&round.wasm)).collect()),
        wasm_ratio: median(rounds.iter().map(|round| figure(&round.wasm) / figure(&round.ours)).collect()),
    };
    vec![
        line("session set-up", 2.0, |figures| figures.setup_us),
        line("encrypt, one direction", 5.0, |figures| figures.encrypt_us),
        line("decrypt, one direction", 5.0, |figures| figures.decrypt_us),
        line("ping-pong, encrypt and decrypt", 3.0, |figures| figures.pingpong_us),
    ]
}

fn size_lines(theirs: &Sizes, ours: &Sizes) -> [(&'static str, [usize; 2], [usize; 2]); 4] {
    [
        ("after the first reply", theirs.first_reply, ours.first_reply),
        ("after 1,000 in one direction", theirs.one_direction, ours.one_direction),
        ("after 1,000 in ping-pong", theirs.pingpong, ours.pingpong),
        ("largest in ping-pong", theirs.pingpong_max, ours.pingpong_max),
    ]
}

fn print_table(rounds: &[Round]) {
    let Round { theirs, ours, .. } = &rounds[0];
    let version = &theirs.version;
    println!("| µs per operation | official {version} | ours | ratio | target | ours in WASM | slower by |");
    println!("|---|---|---|---|---|---|---|");
    for Line { what, theirs, ours, ratio, target, wasm, wasm_ratio } in lines(rounds) {
        let verdict = if ratio >= target { "met" } else { "missed" };
        println!(
            "| {what} | {theirs:.0} | {ours:.1} | {ratio:.1} | {target}, {verdict} | {wasm:.0} | {wasm_ratio:.1} |"
        );
    }
    println!();
    println!("| bytes of a serialized session | official: initiator, responder | ours | target |");
    println!("|---|---|---|---|");
    for (what, theirs, ours) in size_lines(&theirs.sizes, &ours.sizes) {
        let met = ours[0] <= theirs[0] && ours[1] <= theirs[1];
        let verdict = if met { "met" } else { "missed" };
        println!(
            "| {what} | {}, {} | {}, {} | no larger, {verdict} |",
            theirs[0], theirs[1], ours[0], ours[1]
        );
    }
}

fn print_json(rounds: &[Round]) {
    let times: Vec<_> = lines(rounds)
        .iter()
        .map(|line| {
            serde_json::json!({
                "what": line.what,
                "official_us": line.theirs,
                "ours_us": line.ours,
                "ratio": line.ratio,
                "target": line.target,
                "wasm_us": line.wasm,
                "wasm_ratio": line.wasm_ratio,
            })
        })
        .collect();
    let Round { theirs, ours, .. } = &rounds[0];
    let sizes: Vec<_> = size_lines(&theirs.sizes, &ours.sizes)
        .iter()
        .map(|(what, theirs, ours)| serde_json::json!({ "what": what, "official": theirs, "ours": ours }))
        .collect();
    println!("{}", serde_json::json!({ "official_version": theirs.version, "times": times, "sizes": sizes }));
}

fn main() {
    let (mut count, mut json) = (5, false);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rounds" => {
                count = arguments.next().and_then(|n| n.parse().ok()).expect("--rounds takes a number")
            }
            "--json" => json = true,
            // What cargo says to every bench.
            "--bench" => {}
            _ => return println!("{USAGE}"),
        }
    }
    let mut rounds: Vec<Round> = Vec::new();
    ours();
    for round in 1..=count {
        eprintln!("round {round} of {count}");
        rounds.push(Round { theirs: official(), ours: ours(), wasm: wasm() });
    }
    if json { print_json(&rounds) } else { print_table(&rounds) }
}
