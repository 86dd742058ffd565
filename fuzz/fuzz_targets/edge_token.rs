#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tradepost_fuzz::run("edge_token", bytes));
