//! What a person at a terminal is told when the host listens.

use std::io::IsTerminal as _;

use ::host::Config;

pub(super) fn show(config: &Config, url: &str) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    println!(
        "The host listens at {url}, for numbers at the relay {}.\nIts API: {url}/openapi.json\nBring a business in: \
         tradepost host business add --host {url} --data {}\nCtrl-C stops it.\n",
        config.relay,
        config.data.display()
    );
}
