#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tradepost_fuzz::run("import_text", bytes));
