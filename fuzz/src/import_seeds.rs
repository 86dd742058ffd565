//! Where the fuzzer of imports starts: exports as phones write them.

use super::seed::Seed;

macro_rules! exports {
    ($($name:literal),*) => {
        [$(($name, include_bytes!(concat!("../../crates/host/tests/it/imports/corpus/", $name, ".txt")).as_slice())),*]
    };
}

pub(crate) fn seeds() -> Vec<Seed> {
    let exports =
        exports!["android_en_us_narrow_space", "android_vi", "android_zh_long", "ios_ar", "ios_de", "utf_16"];
    let odd: [(&str, &[u8]); 2] = [
        (
            "wrong_dates",
            b"31/12/23, 10:00 - A: x\n31/13/23, 10:00 - A: y\nz\n31/12/66, 1:00 whenever - B: x\n",
        ),
        (
            "marks",
            "\u{feff}\u{200e}[31.12.23, 23:59:58] \u{202a}A\u{202c}:\u{200e}\u{200f} <x: 1.a>\0\r\n"
                .as_bytes(),
        ),
    ];
    let seeds = exports.into_iter().chain(odd);
    seeds
        .map(|(name, bytes)| Seed { target: "import_text", name: name.to_owned(), bytes: bytes.to_vec() })
        .collect()
}
