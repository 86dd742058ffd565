//! Chats from elsewhere, and all of them taken along.

mod chats;
mod corpus;
mod exports;
mod fuzz;
mod hostile;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use host::{
    apps::Apps,
    chats::{Chats, Filter, Look},
    exports::Exports,
    imports::{ImportError, Imports, Report, Request, Watch, text::Problem},
    messages::{About, Document},
    numbers::Number,
    qr_codes::QrCodes,
    sealing::{Keys, MasterKey},
    settings::Settings,
    templates::Templates,
    uploads::Uploads,
    webhooks::{Webhooks, address::SystemLookup},
};
use jiff::tz::TimeZone;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::world::Host;

pub(crate) struct Silent;

impl Watch for Silent {
    fn at(&self, _surveyed: bool, _done: u64, _total: u64) {}
    fn problem(&self, _problem: &Problem) {}
}

impl host::exports::Watch for Silent {
    fn at(&self, _counts: &host::exports::Counts) {}
}

fn imports(host: &Host) -> Arc<Imports> {
    Imports::new(host.ground.clone(), host.gate.clone(), host.people.clone(), host.media.clone())
}

fn exports(host: &Host) -> Arc<Exports> {
    let keys = Keys::new(host.ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
    let apps = Apps::new(host.ground.clone(), keys.clone());
    let webhooks =
        Webhooks::new(host.ground.clone(), keys.clone(), host.gate.clone(), apps, Arc::new(SystemLookup));
    let uploads = Uploads::new(host.ground.clone(), keys.clone());
    Exports::new(
        host.ground.clone(),
        host.gate.clone(),
        host.numbers.clone(),
        host.people.clone(),
        host.messages.clone(),
        host.media.clone(),
        (
            Settings::new(host.ground.clone(), keys.clone()),
            QrCodes::new(host.ground.clone(), keys.clone()),
            Templates::new(host.ground.clone(), keys, webhooks.unwrap(), uploads),
        ),
    )
}

fn request(path: &Path, number: &Arc<Number>, customer: &str) -> Request {
    Request {
        path: path.to_owned(),
        number: number.clone(),
        me: "Bank".to_owned(),
        customer: Some(customer.parse().unwrap()),
        customer_name: None,
        time_zone: TimeZone::UTC,
        date_order: None,
        dry_run: false,
    }
}

async fn import(host: &Host, request: Request) -> Result<Report, ImportError> {
    imports(host).run(request, Arc::new(Silent)).await
}

/// A text of its own.
fn text(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A zip of these files.
fn zipped(folder: &Path, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let path = folder.join(name);
    let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    path
}

/// So many days ago, as a stamp of Android in Germany.
fn ago(days: i64, hour: i8, minute: i8) -> String {
    let day =
        jiff::Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_sub(jiff::Span::new().days(days));
    format!("{:02}.{:02}.{:04}, {hour:02}:{minute:02} - ", day.day(), day.month(), day.year())
}

/// A chat's messages, the first first.
async fn history(host: &Host, number: &Number) -> Vec<(About, Document)> {
    let chats =
        Chats::new(host.ground.clone(), host.gate.clone(), host.people.clone(), host.messages.clone());
    let look = Look { business: number.business, numbers: &[number.id], by: "test" };
    let all = chats.history(&look, &Filter::default(), None, 200).await.unwrap();
    all.into_iter().rev().map(|(about, document)| (about, document.hand_over())).collect()
}

async fn found(host: &Host, number: &Number, words: &str) -> usize {
    let chats =
        Chats::new(host.ground.clone(), host.gate.clone(), host.people.clone(), host.messages.clone());
    let look = Look { business: number.business, numbers: &[number.id], by: "test" };
    chats.search(&look, words, &Filter::default(), None, 200).await.unwrap().len()
}
