//! How many files a relay may have open, and what it does when there are no more.

use std::{io::Write as _, net::TcpStream, process::Command};

use crate::people::{ANNA, BANK, Relay};

/// A number of `/proc/PID/limits`: the soft limit of open files.
fn limit(relay: &Relay) -> u64 {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", relay.process())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn open(relay: &Relay) -> u64 {
    let files = std::fs::read_dir(format!("/proc/{}/fd", relay.process())).unwrap().count();
    files.try_into().unwrap()
}

/// So many who begin to say something and never end.
fn crowd(relay: &Relay, count: usize) -> Vec<TcpStream> {
    // These are this process's files too.
    serve::raise_files().unwrap();
    let address = relay.url.strip_prefix("http://").unwrap();
    let half = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        // It may have had to go already.
        let _ = stream.write_all(b"GET /health HTTP/1.1\r\nHo");
        stream
    };
    (0..count).map(half).collect()
}

#[test]
fn a_relay_takes_as_many_files_as_it_may() {
    let relay = Relay::under("ulimit -Sn 200; ulimit -Hn 1500; exec \"$@\"", &[]);
    assert_eq!(limit(&relay), 1500);
    let _crowd = crowd(&relay, 500);
    for look in 0.. {
        if open(&relay) > 500 {
            break;
        }
        assert!(look < 1000, "{} files are open", open(&relay));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn out_of_files_a_relay_sends_strangers_away_and_serves_on() {
    // Nobody of a crowd goes by himself.
    let patient = "TRADEPOST_RELAY__LISTEN__HEAD_TIMEOUT_MS=300000";
    let relay = Relay::under(&format!("ulimit -n 300; export {patient}; exec \"$@\""), &[]);
    let (anna, bank) = (relay.registered("anna", ANNA), relay.registered("bank", BANK));
    let mut following = bank.talk(&["receive", "--follow", "--json"]);
    // Strangers are kept from taking all.
    let _crowd = crowd(&relay, 600);
    anna.json(&["send", BANK, "Beside a crowd"]);
    let text = |value: &serde_json::Value| value["message"]["body"]["text"].clone();
    assert_eq!(text(&following.value(|value| value["event"] == "message")), "Beside a crowd");

    // What it was told when it started is no longer so: the system refuses it more.
    let few = (open(&relay) + 5).to_string();
    let process = relay.process().to_string();
    let few = format!("--nofile={few}");
    let limited = Command::new("prlimit").args(["--pid", &process, &few]).status();
    assert!(limited.unwrap().success());
    let _more = crowd(&relay, 200);
    anna.json(&["send", BANK, "Out of files"]);
    assert_eq!(text(&following.value(|value| value["event"] == "message")), "Out of files");
    let otto = relay.registered("otto", "+4930333333");
    otto.json(&["send", BANK, "A new one"]);
    assert_eq!(text(&following.value(|value| value["event"] == "message")), "A new one");
}
