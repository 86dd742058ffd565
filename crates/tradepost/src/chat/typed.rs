//! What is typed at a terminal, or comes through a pipe: lines, and that somebody is in the middle of one.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// Lines that were typed and not taken yet.
const TYPED: usize = 64;
/// Bytes of the longest line; a longer one ends there.
const LINE: usize = 1 << 20;

const BACKSPACE: [u8; 2] = [0x08, 0x7f];
const END: u8 = 0x04;
const KILL: u8 = 0x15;
const ESCAPE: u8 = 0x1b;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A message was begun, or went on.
    Key,
    /// A line is done.
    Line(String),
}

/// The standard input. While it lives, a terminal gives every key at once.
#[derive(Debug)]
pub(crate) struct Input {
    receiver: mpsc::Receiver<Typed>,
    _mode: Option<Mode>,
}

impl Input {
    /// Begins to read, in a thread of its own: nothing else can wait for it.
    pub(crate) fn begin() -> Self {
        let mode = Mode::begin();
        let mut editor = Editor { shown: mode.is_some(), ..Editor::default() };
        let (sender, receiver) = mpsc::channel(TYPED);
        std::thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            loop {
                let Ok(piece) = input.fill_buf() else { return };
                let len = piece.len();
                let done = if len == 0 { editor.end() } else { editor.take(piece) };
                input.consume(len);
                for line in done {
                    if sender.blocking_send(Typed::Line(line)).is_err() {
                        return;
                    }
                }
                if len == 0 || editor.ended {
                    return;
                }
                if editor.is_message() {
                    // If much waits it is known already that somebody types.
                    let _full_is_as_good = sender.try_send(Typed::Key);
                }
            }
        });
        Self { receiver, _mode: mode }
    }

    /// What comes next; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Typed> {
        self.receiver.recv().await
    }
}

/// A terminal that gives every key at once and shows none by itself; as it was before when this is dropped.
struct Mode(Termios);

impl std::fmt::Debug for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mode").finish_non_exhaustive()
    }
}

impl Mode {
    /// `None` if no person is at it, or it cannot do that.
    fn begin() -> Option<Self> {
        let input = std::io::stdin();
        if !input.is_terminal() || !std::io::stdout().is_terminal() {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        let mut mode = before.clone();
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&input, OptionalActions::Now, &mode).ok()?;
        Some(Self(before))
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        let _nobody_to_tell = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// The line that is being typed.
#[derive(Default)]
struct Editor {
    line: Vec<u8>,
    /// Whether it is shown and corrected here: at a terminal.
    shown: bool,
    /// Within what an arrow key sends.
    escape: bool,
    ended: bool,
}

impl Editor {
    /// Takes bytes; gives the lines that they end.
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut echo = Vec::new();
        for byte in bytes {
            match *byte {
                b'\n' => {
                    echo.push(b'\n');
                    lines.push(self.line());
                }
                byte if !self.shown => self.line.push(byte),
                byte if self.escape => self.escape = !byte.is_ascii_alphabetic() && byte != b'~',
                ESCAPE => self.escape = true,
                END if self.line.is_empty() => {
                    self.ended = true;
                    break;
                }
                KILL => while self.rub_out(&mut echo) {},
                byte if BACKSPACE.contains(&byte) => {
                    self.rub_out(&mut echo);
                }
                byte if byte.is_ascii_control() => {}
                byte => {
                    self.line.push(byte);
                    echo.push(byte);
                }
            }
            if self.line.len() >= LINE {
                lines.push(self.line());
            }
        }
        if self.shown {
            let mut out = std::io::stdout().lock();
            let _nobody_to_tell = out.write_all(&echo).and_then(|()| out.flush());
        }
        lines
    }

    /// Takes the last character away; whether there was one.
    fn rub_out(&mut self, echo: &mut Vec<u8>) -> bool {
        let any = !self.line.is_empty();
        // The bytes after the first of a character begin with the bits 10.
        while self.line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
        if any {
            echo.extend_from_slice(b"\x08 \x08");
        }
        any
    }

    fn line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()
    }

    /// What was not ended by a newline.
    fn end(&mut self) -> Vec<String> {
        if self.line.is_empty() { Vec::new() } else { vec![self.line()] }
    }

    /// Whether what stands in the line will be a message: no command.
    fn is_message(&self) -> bool {
        self.line.first().is_some_and(|first| *first != b'/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_taken_as_it_comes() {
        let mut editor = Editor::default();
        assert!(editor.take("Gu".as_bytes()).is_empty());
        assert!(editor.is_message());
        assert_eq!(editor.take("ten Tag\x7f\r\n/qu".as_bytes()), ["Guten Tag\x7f"]);
        assert!(!editor.is_message());
        assert_eq!(editor.end(), ["/qu"]);
        assert!(editor.end().is_empty());
        assert_eq!(editor.take(&vec![b'x'; LINE + 1])[0].len(), LINE);
    }

    #[test]
    fn a_line_at_a_terminal_is_corrected() {
        let mut editor = Editor { shown: true, ..Editor::default() };
        assert_eq!(editor.take("Gr\u{fc}\x7f\u{fc}\u{df}e\x1b[A\x07!\n".as_bytes()), ["Gr\u{fc}\u{df}e!"]);
        assert_eq!(editor.take(b"nothing of this\x15Yes\x04\n"), ["Yes"]);
        assert!(!editor.ended);
        editor.take(&[END]);
        assert!(editor.ended);
        assert!(!editor.rub_out(&mut Vec::new()));
    }
}
