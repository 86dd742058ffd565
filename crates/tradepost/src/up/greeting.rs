//! What to try, once all is there.

use std::path::Path;

use super::files::{self, Demo};
use crate::pages;

pub(super) fn show(data: &Path, demo: &Demo) {
    let program = std::env::args().next().unwrap_or_else(|| "tradepost".to_owned());
    let shown = data.display();
    let Demo { base_url, token, phone_number_id, customer_number, relay_url, .. } = demo;
    let post = |body: &str| {
        format!(
            "curl {base_url}/v24.0/{phone_number_id}/messages -H 'Authorization: Bearer {token}' \\\n    -H \
             'Content-Type: application/json' -d '{{\"messaging_product\":\"whatsapp\",\"to\":\"{customer_number}\",\
             {body}}}'"
        )
    };
    let text = post(r#""type":"text","text":{"body":"It works. Is it yours?"}"#);
    let buttons = post(
        r#""type":"interactive","interactive":{"type":"button","body":{"text":"Did you pay 950 EUR?"},"action":{"buttons":[{"type":"reply","reply":{"id":"yes","title":"Yes"}},{"type":"reply","reply":{"id":"no","title":"No"}}]}}"#,
    );
    let page = |site: &serve::pages::Site, at: &str, what: &str, url: &str| {
        if site.has(at) { format!("{what:<10}{url}{at}/\n  ") } else { String::new() }
    };
    let messenger = page(&pages::RELAY, "/app", "messenger", relay_url);
    let console = page(&pages::HOST, "/console", "console", base_url);
    println!(
        "A relay, a host, the sample business and its customer are up.\n\n  \
         {messenger}{console}API    {base_url}  (described at {base_url}/openapi.json)\n  \
         relay  {relay_url}\n  \
         ids and tokens for programs: {}\n\n\
         In another terminal, the customer writes:\n\n  \
         {program} demo say --data {shown} 'Is my card blocked?'\n\n\
         the business answers by the API:\n\n  {text}\n\n\
         and the customer reads it, and who can read the chat:\n\n  \
         {program} demo read --data {shown}\n\n\
         A question with buttons, and its answer:\n\n  {buttons}\n\n  \
         {program} demo answer --data {shown} --button yes\n\n\
         A callback on this machine is told what happens after: tradepost up --callback http://127.0.0.1:3000/webhook\n\
         Ctrl-C stops it; the next start goes on with all of it.",
        files::demo(data).display()
    );
}
