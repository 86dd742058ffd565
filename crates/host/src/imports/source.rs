//! The file of an export: a text, or a zip of a text and the files that were sent. A zip is looked at before anything of
//! it is read, and read no further than it says.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use zip::{CompressionMethod, ZipArchive};

/// Entries that a zip may have: an export with files has at most 10,000 messages.
const ENTRIES: usize = 20_000;
/// Bytes that a zip may have when unpacked: 64 GiB.
const TOTAL: u64 = 64 << 30;
/// Bytes of the text in a zip: 4 GiB.
const TEXT: u64 = 4 << 30;
/// How many times smaller a packed entry may be. Chats are packed to a fifth.
const RATIO: u64 = 100;
/// Entries smaller than this may be packed as well as they like.
const SMALL: u64 = 1 << 20;
/// Bytes of a name.
const NAME: usize = 255;
/// The text on iOS.
const IOS_TEXT: &str = "_chat.txt";

/// Why a file is no export that is read here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// A zip that is damaged, or made so that it cannot be one.
    #[error("its zip cannot be read")]
    Zip(#[from] zip::result::ZipError),
    /// A zip with more than is taken.
    #[error("its zip is refused: {0}")]
    Refused(String),
    /// A zip without a text that can only be the chat's.
    #[error("it has {0} texts that may be the chat: one was expected, such as _chat.txt")]
    Texts(usize),
}

/// An export that can be read.
pub(super) struct Source {
    path: PathBuf,
    zip: Option<Zip>,
}

struct Zip {
    archive: ZipArchive<BufReader<File>>,
    text: usize,
    text_size: u64,
    files: HashMap<String, Inside>,
}

/// A file in a zip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    pub(super) index: usize,
    pub(super) size: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let mut file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(SourceError::Refused("it is no file".to_owned()));
        }
        let mut first = Vec::new();
        (&mut file).take(4).read_to_end(&mut first)?;
        let named = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        let zip = if named || first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
            Some(Zip::open(path, File::open(path)?)?)
        } else {
            None
        };
        Ok(Self { path: path.to_owned(), zip })
    }

    /// Bytes of the text.
    pub(super) fn size(&self) -> Result<u64, SourceError> {
        match &self.zip {
            Some(zip) => Ok(zip.text_size),
            None => Ok(std::fs::metadata(&self.path)?.len()),
        }
    }

    /// The text, from its beginning.
    pub(super) fn text(&mut self) -> Result<Box<dyn Read + '_>, SourceError> {
        Ok(match &mut self.zip {
            Some(zip) => Box::new(AsSaid { left: zip.text_size, input: zip.archive.by_index(zip.text)? }),
            None => Box::new(File::open(&self.path)?),
        })
    }

    /// What the text or its zip is called, without the ending.
    pub(super) fn titles(&self) -> Vec<String> {
        let stem = |name: &str| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let inside =
            self.zip.as_ref().and_then(|zip| zip.archive.name_for_index(zip.text)?.ok()?.into_owned().into());
        let own = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        [inside, own].into_iter().flatten().filter_map(|name: String| stem(&name)).collect()
    }

    /// The files beside the text, by name.
    pub(super) fn files(&self) -> HashMap<String, Inside> {
        self.zip.as_ref().map(|zip| zip.files.clone()).unwrap_or_default()
    }

    pub(super) const fn is_zip(&self) -> bool {
        self.zip.is_some()
    }
}

impl Zip {
    fn open(path: &Path, file: File) -> Result<Self, SourceError> {
        let packed = file.metadata()?.len();
        let mut archive = ZipArchive::new(BufReader::new(file))?;
        let refused = |reason: String| Err(SourceError::Refused(reason));
        if archive.len() > ENTRIES {
            return refused(format!("it has {} entries; at most {ENTRIES} are taken", archive.len()));
        }
        if archive.has_overlapping_files()? {
            return refused("its entries lie over each other".to_owned());
        }
        let (mut total, mut texts, mut files) = (0_u64, Vec::new(), HashMap::new());
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index)?;
            let name = entry.name()?.into_owned();
            let size = entry.size();
            // What macOS adds when it packs a folder.
            if name.starts_with("__MACOSX/") || name == ".DS_Store" {
                continue;
            }
            if name.is_empty() || name.len() > NAME {
                return refused(format!("a name in it has {} bytes; at most {NAME} are taken", name.len()));
            }
            if name.contains(['/', '\\', '\0']) || name == ".." {
                return refused("it has folders, or names that lead out of it".to_owned());
            }
            if entry.encrypted() {
                return refused("it is encrypted".to_owned());
            }
            if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                return refused("an entry is packed in another way than stored or deflated".to_owned());
            }
            if entry.is_symlink() {
                return refused("it has links".to_owned());
            }
            if size > SMALL && size / RATIO > entry.compressed_size() {
                return refused(format!("an entry becomes more than {RATIO} times larger"));
            }
            total = total.saturating_add(size);
            let inside = Inside { index, size };
            if name.ends_with(".txt") {
                texts.push((name.clone(), inside));
            }
            if files.insert(name, inside).is_some() {
                return refused("two entries have one name".to_owned());
            }
        }
        if total > TOTAL || total / RATIO > packed.max(SMALL / RATIO) {
            return refused(format!("it becomes {total} bytes when it is unpacked"));
        }
        let (name, text) = the_text(path, &texts)?;
        if text.size > TEXT {
            return refused(format!("its text has {} bytes; at most {TEXT} are taken", text.size));
        }
        files.remove(&name);
        Ok(Self { archive, text: text.index, text_size: text.size, files })
    }
}

/// The text that is the chat: documents may be texts too.
fn the_text(path: &Path, texts: &[(String, Inside)]) -> Result<(String, Inside), SourceError> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let as_named = |name: &str| name.strip_suffix(".txt").is_some_and(|text| text == stem);
    let ways: [&dyn Fn(&str) -> bool; 4] =
        [&|name| name == IOS_TEXT, &as_named, &|name| name.to_lowercase().contains("whatsapp"), &|_| true];
    for way in ways {
        let mut found = texts.iter().filter(|(name, _)| way(name));
        if let Some(text) = found.next()
            && found.next().is_none()
        {
            return Ok(text.clone());
        }
    }
    Err(SourceError::Texts(texts.len()))
}

/// What is unpacked has as many bytes as was said, and not one more.
struct AsSaid<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for AsSaid<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "an entry has more bytes than its zip says")
        })?;
        Ok(count)
    }
}

/// A file, and to whom its bytes go.
type Asked = (Inside, mpsc::Sender<io::Result<Bytes>>);

/// Files of a zip, read by a thread of its own.
#[derive(Debug, Clone)]
pub(super) struct Files {
    ask: mpsc::Sender<Asked>,
}

/// Bytes handed over at once.
const PIECE: usize = 64 << 10;

impl Files {
    /// The thread ends with the last clone.
    pub(super) fn of(path: &Path) -> Self {
        let (ask, mut asked) = mpsc::channel::<Asked>(1);
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || {
            let mut archive = None;
            while let Some((inside, to)) = asked.blocking_recv() {
                if let Err(error) = hand_over(&path, &mut archive, inside, &to) {
                    // Who asked may be gone.
                    let _ = to.blocking_send(Err(error));
                }
            }
        });
        Self { ask }
    }

    /// The bytes of a file.
    pub(super) async fn open(&self, inside: Inside) -> mpsc::Receiver<io::Result<Bytes>> {
        let (to, from) = mpsc::channel(4);
        // If the thread is gone, the bytes end at once; then their number is wrong.
        let _ = self.ask.send((inside, to)).await;
        from
    }
}

fn hand_over(
    path: &Path,
    archive: &mut Option<ZipArchive<BufReader<File>>>,
    inside: Inside,
    to: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let archive = match archive {
        Some(archive) => archive,
        None => archive.insert(ZipArchive::new(BufReader::new(File::open(path)?))?),
    };
    let mut file = AsSaid { input: archive.by_index(inside.index)?, left: inside.size };
    loop {
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece)?;
        piece.truncate(count);
        if count == 0 {
            return if file.left == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if to.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
}
