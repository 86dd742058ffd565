//! What kinds of files the API takes, how large they may be, and whether bytes are what their type says.

use client::MediaKind;

use crate::codes::{Code, Refusal};

/// Bytes that tell what a file is.
pub(super) const HEAD: usize = 512;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bytes of a sticker that does not move, and of one that does.
const STILL: u64 = 100 * KIB;
const ANIMATED: u64 = 500 * KIB;

/// Bytes that a file of this type may have.
#[must_use]
pub fn limit_of(mime_type: &str) -> u64 {
    match bare(mime_type) {
        "image/webp" => ANIMATED,
        mime if mime.starts_with("image/") => 5 * MIB,
        mime if mime.starts_with("audio/") || mime.starts_with("video/") => 16 * MIB,
        _ => 100 * MIB,
    }
}

/// The type without its parameters.
fn bare(mime_type: &str) -> &str {
    mime_type.split(';').next().unwrap_or_default().trim()
}

/// What bytes are, by how they begin, if that tells.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    Some(match () {
        () if at(0, b"\xff\xd8\xff") => "image/jpeg",
        () if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        () if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        () if at(0, b"GIF8") => "image/gif",
        () if at(0, b"%PDF-") => "application/pdf",
        () if at(0, b"OggS") => "audio/ogg",
        () if at(0, b"#!AMR") => "audio/amr",
        () if at(0, b"ID3") => "audio/mpeg",
        () if at(4, b"ftyp3g") => "video/3gpp",
        () if at(4, b"ftypM4A") => "audio/mp4",
        () if at(4, b"ftyp") => "video/mp4",
        () => match head {
            [0xff, second, ..] if second & 0xf6 == 0xf0 => "audio/aac",
            [0xff, second, ..] if second & 0xe0 == 0xe0 => "audio/mpeg",
            _ => return None,
        },
    })
}

/// Types that the API takes and whose bytes can be told.
const TOLD: &[&str] = &[
    "audio/aac",
    "audio/amr",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/3gpp",
    "video/mp4",
    "application/pdf",
];

/// Whether who serves a file says what it is.
pub(super) fn is_told(mime_type: &str) -> bool {
    !matches!(bare(mime_type), "" | "application/octet-stream" | "binary/octet-stream")
}

/// Bytes of a type with its parameters.
const LONGEST: usize = 128;

/// Whether this is a type as RFC 6838 (4.2) writes it, with parameters as RFC 2045 does. It is stored, and stands in headers.
#[must_use]
pub(super) fn is_type(text: &str) -> bool {
    let mut parts = text.split(';');
    let names = parts.next().and_then(|mime| mime.trim().split_once('/'));
    let named = names.is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype));
    named && text.len() <= LONGEST && parts.all(is_parameter)
}

/// A `restricted-name`: a slash, or a path, is none.
fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && text.bytes().all(rest)
}

fn is_parameter(text: &str) -> bool {
    let token = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&byte);
        !text.is_empty() && text.bytes().all(fits)
    };
    let quoted = |text: &str| {
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        inner.is_some_and(|inner| {
            inner.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte))
        })
    };
    let parts = text.trim().split_once('=');
    parts.is_some_and(|(name, value)| token(name) && (token(value) || quoted(value)))
}

/// Refuses types that the API does not take, and bytes that are something else.
pub(super) fn check(mime_type: &str, head: &[u8]) -> Result<(), Refusal> {
    let mime = bare(mime_type);
    let kind = mime.split_once('/').map(|(kind, _)| kind);
    let told = TOLD.contains(&mime);
    let known = match kind {
        Some("image" | "audio" | "video") => told,
        Some("application" | "text") => true,
        _ => false,
    };
    if !known || !is_type(mime_type) {
        return Err(Refusal::new(Code::Parameter, "Files of this type are not supported."));
    }
    // An MP4 is one whatever brand it names.
    let same = |found: &str| found == mime || (mime.ends_with("/mp4") && found.ends_with("/mp4"));
    if told && !sniff(head).is_some_and(same) {
        return Err(Refusal::new(Code::Parameter, "The file is not what its type says."));
    }
    Ok(())
}

/// Whether a picture in WebP moves: its extended header says so (bit 1 of the flags of `VP8X`).
pub(super) fn is_animated(head: &[u8]) -> bool {
    head.get(12..16) == Some(b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// Refuses a file as what a message of another kind shows (spec section 4). `animated` is of stickers alone.
pub(super) fn fits(kind: MediaKind, mime_type: &str, size: u64, animated: bool) -> Result<(), Refusal> {
    let mime = bare(mime_type);
    let sort = mime.split('/').next().unwrap_or_default();
    let refuse = |why: String| Err(Refusal::new(Code::MediaUpload, why));
    let fits = match kind {
        MediaKind::Image => matches!(mime, "image/jpeg" | "image/png"),
        MediaKind::Video => sort == "video",
        MediaKind::Audio => sort == "audio",
        MediaKind::Voice => mime == "audio/ogg" && is_opus(mime_type),
        MediaKind::Sticker => mime == "image/webp",
        MediaKind::Document | MediaKind::File => true,
    };
    if !fits {
        let (name, wanted) = match kind {
            MediaKind::Image => ("image", "image/jpeg or image/png"),
            MediaKind::Video => ("video", "video/mp4 or video/3gpp"),
            MediaKind::Voice => ("voice message", "audio/ogg with codecs=opus"),
            MediaKind::Sticker => ("sticker", "image/webp"),
            _ => ("audio message", "audio/aac, amr, mpeg, mp4 or ogg"),
        };
        return refuse(format!("The file is of the type {mime}; {name}: {wanted}."));
    }
    if kind == MediaKind::Sticker && size > if animated { ANIMATED } else { STILL } {
        return refuse("A sticker has at most 100 KB, or 500 KB if it is animated.".to_owned());
    }
    Ok(())
}

/// Whether an Ogg file holds Opus, as far as its type says.
fn is_opus(mime_type: &str) -> bool {
    let mut codecs = mime_type.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    codecs.all(|(name, value)| {
        !name.eq_ignore_ascii_case("codecs") || value.trim_matches('"').eq_ignore_ascii_case("opus")
    })
}

/// What names of files of a type end in; nothing if that is not known.
pub(crate) fn ending(mime_type: &str) -> &'static str {
    match bare(mime_type) {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/webp" => ".webp",
        "image/gif" => ".gif",
        "video/mp4" => ".mp4",
        "video/3gpp" => ".3gp",
        "audio/ogg" => ".ogg",
        "audio/mp4" => ".m4a",
        "audio/mpeg" => ".mp3",
        "audio/aac" => ".aac",
        "audio/amr" => ".amr",
        "application/pdf" => ".pdf",
        "application/msword" => ".doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => ".docx",
        "application/vnd.ms-excel" => ".xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => ".xlsx",
        "application/vnd.ms-powerpoint" => ".ppt",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => ".pptx",
        "application/zip" => ".zip",
        "text/plain" => ".txt",
        "text/csv" => ".csv",
        "text/vcard" => ".vcf",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_must_be_what_they_are_said_to_be() {
        assert!(check("image/png", b"\x89PNG\r\n\x1a\nrest").is_ok());
        assert!(check("audio/ogg; codecs=opus", b"OggS....").is_ok());
        assert!(check("text/plain", b"hello").is_ok());
        assert!(check("text/plain; charset=\"utf-8\"", b"hello").is_ok());
        let words = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert!(check(words, b"PK").is_ok());
        for (mime, head) in [
            ("image/png", &b"\xff\xd8\xff"[..]),
            ("image/jpeg", b"<html>"),
            ("image/gif", b"GIF89a"),
            ("video/mp4", b""),
            ("nonsense", b"x"),
            ("text/\nplain", b"x"),
            ("application/../x", b"x"),
            ("application/x/y", b"x"),
            ("application/.x", b"x"),
            ("application/", b"x"),
            ("text/plain; charset", b"x"),
            ("text/plain; a=b\r\nx: y", b"x"),
            ("text/plain; a=\"\r\"", b"x"),
            ("text/plain;", b"x"),
        ] {
            assert!(check(mime, head).is_err(), "{mime}");
        }
    }

    #[test]
    fn a_file_is_shown_as_what_it_is() {
        use MediaKind::{Audio, Document, Image, Sticker, Video, Voice};
        for (kind, mime, size, animated, good) in [
            (Image, "image/jpeg", 1, false, true),
            (Image, "image/png", 1, false, true),
            (Image, "image/webp", 1, false, false),
            (Image, "application/pdf", 1, false, false),
            (Video, "video/mp4", 1, false, true),
            (Video, "video/3gpp", 1, false, true),
            (Video, "image/png", 1, false, false),
            (Audio, "audio/mpeg", 1, false, true),
            (Audio, "audio/ogg; codecs=opus", 1, false, true),
            (Audio, "video/mp4", 1, false, false),
            (Voice, "audio/ogg; codecs=opus", 1, false, true),
            (Voice, "audio/ogg", 1, false, true),
            (Voice, "audio/ogg; codecs=\"vorbis\"", 1, false, false),
            (Voice, "audio/mpeg", 1, false, false),
            (Document, "application/pdf", 1, false, true),
            (Document, "image/png", 1, false, true),
            (Sticker, "image/png", 1, false, false),
            (Sticker, "image/webp", 100 << 10, false, true),
            (Sticker, "image/webp", (100 << 10) + 1, false, false),
            (Sticker, "image/webp", 500 << 10, true, true),
            (Sticker, "image/webp", (500 << 10) + 1, true, false),
        ] {
            let found = fits(kind, mime, size, animated);
            assert_eq!(found.is_ok(), good, "{kind:?} {mime} {size}");
            assert!(found.err().is_none_or(|refusal| refusal.code == Code::MediaUpload));
        }
        let webp = |flags: u8| [&b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0"[..], &[flags, 0, 0, 0]].concat();
        assert!(is_animated(&webp(0x12)) && !is_animated(&webp(0x10)) && !is_animated(b"RIFF"));
    }
}
