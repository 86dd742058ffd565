//! Files on their way: what they are, a small preview of pictures, how far they have come; and `save`.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use client::{FileSink, FileSource, Media, MediaKind, Message, Progress};
use image::{ImageReader, Limits, codecs::jpeg::JpegEncoder};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use wire::limits::THUMBNAIL;

use super::{
    opened::Opened,
    problem::{Answer, Exit, Problem},
    render::{self, Output},
};

/// Bytes of a picture of which a preview is made.
const PICTURE: u64 = 64 << 20;
/// Pixels on each side of a picture of which a preview is made, and bytes that it may take in memory.
const SIDE: u32 = 20_000;
const MEMORY: u64 = 512 << 20;
/// Pixels on the longer side of a preview.
const PREVIEW: u32 = 320;

/// Encrypts a file and uploads it. What it is, is said by its name.
pub(crate) async fn upload(opened: &Opened, path: &Path, caption: String) -> Answer<Media> {
    upload_as(opened, path, None, caption).await
}

/// The same with a file that whoever sends it may say to be something else.
pub(crate) async fn upload_as(
    opened: &Opened,
    path: &Path,
    as_kind: Option<MediaKind>,
    caption: String,
) -> Answer<Media> {
    let failed = |error: &std::io::Error| Problem::file(path, error);
    let about = tokio::fs::metadata(path).await.map_err(|error| failed(&error))?;
    if !about.is_file() {
        return Err(Problem::new(Exit::Failed, "file", format!("{} is not a file", path.display())));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file");
    let (found, content_type) = kind(name);
    let wanted = as_kind.unwrap_or(found);
    fits(wanted, found)?;
    if about.len() == 0 && wanted != MediaKind::Document && wanted != MediaKind::File {
        return Err(Problem::new(Exit::Failed, "file", format!("{} is empty", path.display())));
    }
    let picture = match found {
        MediaKind::Image if about.len() <= PICTURE => preview(path).await,
        _ => None,
    };
    let (width, height, thumbnail) = picture.unwrap_or_default();
    // A sticker is small itself.
    let thumbnail = if wanted == MediaKind::Sticker { Vec::new() } else { thumbnail };
    let mut source = FileSource::open(path).await.map_err(|error| failed(&error))?;
    let bar = Bar::new(opened.output, name);
    let blob = opened.device.upload(&mut source, Some(&bar)).await?;
    Ok(Media {
        kind: wanted,
        blob,
        content_type: content_type.to_owned(),
        file_name: name.to_owned(),
        caption,
        width,
        height,
        duration: 0,
        thumbnail: thumbnail.into(),
        animated: false,
    })
}

/// Downloads a medium to a path that must be free.
pub(crate) async fn download(opened: &Opened, media: &Media, path: &Path) -> Answer {
    if path.exists() {
        let message = format!("{} is there already; nothing was replaced", path.display());
        return Err(Problem::new(Exit::Failed, "file", message));
    }
    let mut sink = FileSink::create(path).await.map_err(|error| Problem::file(path, &error))?;
    let bar = Bar::new(opened.output, &render::line(&media.file_name, 30));
    Ok(opened.device.download(&media.blob, &mut sink, Some(&bar)).await?)
}

/// Downloads the medium of a message into a folder, under a name of its own there.
pub(crate) async fn save_into(opened: &Opened, message: &Message, folder: &Path) -> Answer<Option<PathBuf>> {
    let Some(media) = message.body.media() else { return Ok(None) };
    tokio::fs::create_dir_all(folder).await.map_err(|error| Problem::file(folder, &error))?;
    let path = folder.join(format!("{}-{}", message.position, name(media)));
    if path.exists() {
        return Ok(Some(path));
    }
    download(opened, media, &path).await?;
    Ok(Some(path))
}

/// A name that leads nowhere else.
fn name(media: &Media) -> String {
    let plain = |character: char| {
        if "/\\:\0".contains(character) || character.is_control() { '_' } else { character }
    };
    let name: String = media.file_name.chars().map(plain).collect();
    if name.trim_matches(['.', ' ']).is_empty() {
        format!("file{}", extension(&media.content_type))
    } else {
        name
    }
}

/// Save the file of a message
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost chat save 12
  tradepost chat save 12 contract.pdf
  tradepost chat save 12 --played     a voice note that you have heard: its author is told")]
pub(crate) struct Save {
    /// Which message
    #[arg(value_parser = super::send::position)]
    message: u64,
    /// Where to; never over another file [default: its own name, here]
    path: Option<PathBuf>,
    /// You have heard this voice note: tell its author
    #[arg(long)]
    played: bool,
}

pub(crate) async fn save(opened: Opened, flags: Save) -> Answer {
    let found = opened.device.messages(flags.message.saturating_sub(1), 1).await?;
    let found = found.into_iter().find(|message| message.position == flags.message);
    let message = found.ok_or(client::Error::NoSuchMessage)?;
    let Some(media) = message.body.media() else {
        return Err(Problem::usage(format!("#{} has no file", flags.message)));
    };
    let path = flags.path.unwrap_or_else(|| PathBuf::from(name(media)));
    download(&opened, media, &path).await?;
    opened.output.show(&json!({"saved": path}), || format!("Saved as {}.", path.display()))?;
    if !flags.played {
        return Ok(());
    }
    opened.device.mark_played(message.id).await?;
    opened.online().leave().await
}

/// What a file is, by its name.
fn kind(name: &str) -> (MediaKind, &'static str) {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    let found = TYPES.iter().find(|(known, ..)| Some(*known) == extension.as_deref());
    found.map_or((MediaKind::File, "application/octet-stream"), |(_, kind, content_type)| {
        (*kind, *content_type)
    })
}

/// What is shown in a way of its own has to be something that can be shown so.
fn fits(wanted: MediaKind, found: MediaKind) -> Answer {
    let (what, needed, names) = match wanted {
        MediaKind::Voice => ("a voice note", MediaKind::Audio, "mp3, m4a, ogg, opus, wav"),
        MediaKind::Sticker => ("a sticker", MediaKind::Image, "webp, png, jpg, gif"),
        _ => return Ok(()),
    };
    if found == needed {
        return Ok(());
    }
    Err(Problem::usage(format!("the file is not {what}"))
        .hint(format!("Its name has to end with one of: {names}.")))
}

/// How files of a type are called.
fn extension(content_type: &str) -> String {
    let found = TYPES.iter().find(|(_, _, known)| *known == content_type);
    found.map(|(extension, ..)| format!(".{extension}")).unwrap_or_default()
}

const TYPES: &[(&str, MediaKind, &str)] = &[
    ("jpg", MediaKind::Image, "image/jpeg"),
    ("jpeg", MediaKind::Image, "image/jpeg"),
    ("png", MediaKind::Image, "image/png"),
    ("gif", MediaKind::Image, "image/gif"),
    ("webp", MediaKind::Image, "image/webp"),
    ("mp3", MediaKind::Audio, "audio/mpeg"),
    ("m4a", MediaKind::Audio, "audio/mp4"),
    ("ogg", MediaKind::Audio, "audio/ogg"),
    ("opus", MediaKind::Audio, "audio/ogg"),
    ("wav", MediaKind::Audio, "audio/wav"),
    ("mp4", MediaKind::Video, "video/mp4"),
    ("webm", MediaKind::Video, "video/webm"),
    ("mov", MediaKind::Video, "video/quicktime"),
    ("pdf", MediaKind::Document, "application/pdf"),
    ("txt", MediaKind::Document, "text/plain"),
    ("md", MediaKind::Document, "text/markdown"),
    ("csv", MediaKind::Document, "text/csv"),
    ("odt", MediaKind::Document, "application/vnd.oasis.opendocument.text"),
    ("ods", MediaKind::Document, "application/vnd.oasis.opendocument.spreadsheet"),
    ("doc", MediaKind::Document, "application/msword"),
    ("docx", MediaKind::Document, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", MediaKind::Document, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (
        "pptx",
        MediaKind::Document,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("json", MediaKind::Document, "application/json"),
    ("zip", MediaKind::File, "application/zip"),
];

/// Width, height and a small JPEG; nothing if it is no picture that is read here.
async fn preview(path: &Path) -> Option<(u32, u32, Vec<u8>)> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || shrink(&std::fs::read(path).ok()?)).await.ok()?
}

fn shrink(bytes: &[u8]) -> Option<(u32, u32, Vec<u8>)> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let picture = reader.decode().ok()?;
    let (width, height) = (picture.width(), picture.height());
    let mut side = PREVIEW.min(width.max(height));
    loop {
        let small = picture.thumbnail(side, side).into_rgb8();
        let mut jpeg = Vec::new();
        small.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 75)).ok()?;
        if jpeg.len() <= THUMBNAIL {
            return Some((width, height, jpeg));
        }
        side = side.checked_div(2).filter(|side| *side > 0)?;
    }
}

/// How far a file has come: on a terminal only.
struct Bar(ProgressBar);

impl Bar {
    fn new(output: Output, name: &str) -> Self {
        // Where standard error is no terminal, indicatif draws nothing.
        let target = if output.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style =
            ProgressStyle::with_template("{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {eta}");
        let bar = ProgressBar::with_draw_target(None, target).with_message(name.to_owned());
        Self(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }
}

impl Progress for Bar {
    fn at(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    #[test]
    fn a_preview_is_small_whatever_the_picture() {
        let noise = |x: u32, y: u32| {
            let mix = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519);
            let [a, b, c, _] = mix.wrapping_mul(mix | 1).to_be_bytes();
            image::Rgb([a, b, c])
        };
        let picture = RgbImage::from_fn(1200, 900, noise);
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let mut bytes = Vec::new();
            picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
            let (width, height, small) = shrink(&bytes).unwrap();
            assert_eq!((width, height), (1200, 900));
            assert!(!small.is_empty() && small.len() <= THUMBNAIL, "{}", small.len());
        }
        assert!(shrink(b"not a picture").is_none());
    }

    #[test]
    fn names_lead_nowhere_else() {
        let media = |file_name: &str, content_type: &str| Media {
            kind: MediaKind::File,
            blob: client::Blob { id: "a".into(), key: vec![].into(), digest: vec![].into(), size: 0 },
            content_type: content_type.into(),
            file_name: file_name.into(),
            caption: String::new(),
            width: 0,
            height: 0,
            duration: 0,
            thumbnail: vec![].into(),
            animated: false,
        };
        assert_eq!(name(&media("../a\u{1b}.txt", "")), ".._a_.txt");
        assert_eq!(name(&media("..", "image/png")), "file.png");
        assert!(fits(MediaKind::Voice, kind("note.ogg").0).is_ok());
        assert!(fits(MediaKind::Voice, kind("note.txt").0).is_err());
        assert!(fits(MediaKind::Sticker, kind("wave.webp").0).is_ok());
        assert!(fits(MediaKind::Sticker, kind("wave").0).is_err());
        assert_eq!(kind("A.PDF"), (MediaKind::Document, "application/pdf"));
    }
}
