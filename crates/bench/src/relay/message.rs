//! What is sent, and how it is known again.

use bytes::Bytes;
use wire::{
    AccountId, Message as _,
    frames::{ClientFrame, Kind, Part, Send},
};

use super::{accounts::REGISTRATION_ID, clock};

/// What the beginning of a body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Which run of which test: what an earlier one left behind does not count.
    pub(super) stage: u32,
    pub(super) sender: u32,
    /// Counts up from 0 for each sender.
    pub(super) sequence: u64,
    /// When it should have been sent; [`clock::now`].
    pub(super) due: u64,
    /// When it was sent.
    pub(super) sent: u64,
}

impl Head {
    /// Its bytes.
    pub(super) const LEN: usize = 32;

    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (stage, rest) = body.split_first_chunk()?;
        let (sender, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (due, rest) = rest.split_first_chunk()?;
        let (sent, _) = rest.split_first_chunk()?;
        Some(Self {
            stage: u32::from_be_bytes(*stage),
            sender: u32::from_be_bytes(*sender),
            sequence: u64::from_be_bytes(*sequence),
            due: u64::from_be_bytes(*due),
            sent: u64::from_be_bytes(*sent),
        })
    }

    fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&self.stage.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.sender.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.due.to_be_bytes());
        bytes[24..].copy_from_slice(&self.sent.to_be_bytes());
        bytes
    }

    /// The name of the message: as unique as a random one, and it tells the sequence.
    fn id(self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.to_bytes()[..16]);
        id
    }
}

/// The sequence in the name of a message of this stage.
pub(super) fn sequence_of(id: &[u8], stage: u32) -> Option<u64> {
    let (found, rest) = id.split_first_chunk()?;
    let sequence = rest.get(4..)?.try_into().ok()?;
    (u32::from_be_bytes(*found) == stage).then(|| u64::from_be_bytes(sequence))
}

/// An encoded frame with one send, of which only the name and the body's head change: the generator's own work is
/// not what is measured.
#[derive(Debug, Clone)]
pub(super) struct Template {
    frame: Vec<u8>,
    id: usize,
    body: usize,
}

impl Template {
    /// A message for the one device of an account, with a body of this length.
    pub(super) fn new(to: AccountId, body: usize) -> Self {
        let body = vec![0x5a; body.max(Head::LEN)];
        let length = body.len();
        let send = Send {
            id: Bytes::from_static(&[0; 16]),
            to: Bytes::copy_from_slice(to.as_bytes()),
            timestamp: u64::try_from(clock::since_1970().as_millis()).unwrap_or(0),
            transient: false,
            parts: vec![Part {
                device: 1,
                registration_id: REGISTRATION_ID,
                kind: Kind::Signal.into(),
                body: body.into(),
            }],
        };
        let inner = send.encoded_len();
        let frame = ClientFrame { sends: vec![send], acknowledged: 0 }.encode_to_vec();
        // The id is the first field of the send, behind its tag and length; the body is the last.
        Self { id: frame.len() - inner + 2, body: frame.len() - length, frame }
    }

    /// Adds the message to a frame: frames put together are one frame.
    pub(super) fn put(&self, head: Head, frame: &mut Vec<u8>) {
        let start = frame.len();
        frame.extend_from_slice(&self.frame);
        frame[start + self.id..][..16].copy_from_slice(&head.id());
        frame[start + self.body..][..Head::LEN].copy_from_slice(&head.to_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_a_frame() {
        let template = Template::new(AccountId::from_bytes([7; 16]), 200);
        let mut frame = Vec::new();
        let head = |sequence| Head { stage: 3, sender: 9, sequence, due: 5, sent: 6 };
        template.put(head(1), &mut frame);
        template.put(head(2), &mut frame);
        frame.extend(ClientFrame { sends: Vec::new(), acknowledged: 300 }.encode_to_vec());
        let frame = ClientFrame::decode(&frame[..]).unwrap();
        assert_eq!((frame.sends.len(), frame.acknowledged), (2, 300));
        for (send, sequence) in frame.sends.iter().zip(1..) {
            assert_eq!((&send.to[..], send.parts.len()), (&[7; 16][..], 1));
            assert_eq!(send.parts[0].body.len(), 200);
            assert_eq!(Head::read(&send.parts[0].body), Some(head(sequence)));
            assert_eq!(sequence_of(&send.id, 3), Some(sequence));
            assert_eq!(sequence_of(&send.id, 4), None);
        }
    }
}
