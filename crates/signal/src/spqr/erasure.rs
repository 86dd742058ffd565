//! The erasure code that carries keys and ciphertexts in chunks of 32 bytes (SPQR, section 5.4).
//!
//! A message is cut into `N` blocks, which are the values of sixteen polynomials at 0 to N - 1. Chunk i holds their
//! values at i, so the first N chunks are the blocks and all others are parity. Any N chunks give the message back.
//! A stream has 65,536 chunks, far more than are ever sent before its end is acknowledged.

use super::field::{double, invert, multiply, multiply_each};

/// A piece of a message, or of the code over it.
pub(super) type Block = [u8; 32];

/// One chunk of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) index: u16,
    pub(super) data: Block,
}

/// The sending end of a stream. It knows how far it is and not what it sends: the bytes are part of something that
/// the state keeps anyway, a key or a ciphertext.
#[derive(Clone, Copy, Default)]
pub(super) struct Encoder<const N: usize> {
    /// Index of the next chunk. It starts again from zero after 65,536 chunks.
    pub(super) next: u16,
}

impl<const N: usize> Encoder<N> {
    /// The next chunk of `message`, which must be the same in each call.
    pub(super) fn chunk(&mut self, message: &[Block; N]) -> Chunk {
        let index = self.next;
        self.next = index.wrapping_add(1);
        let data = match message.get(usize::from(index)) {
            Some(block) => *block,
            None => combine(&message.map(lanes), &Points::FIRST.weights(index)),
        };
        Chunk { index, data }
    }
}

/// The receiving end of a stream: the chunks that arrived, fewer than `N`, in the order of their indices.
#[derive(Clone, Default)]
pub(super) struct Decoder<const N: usize> {
    chunks: Vec<Chunk>,
}

impl<const N: usize> Decoder<N> {
    /// A decoder that has its first chunk. One chunk never completes a message.
    pub(super) fn starting_with(chunk: Chunk) -> Self {
        const { assert!(N > 1) };
        Self { chunks: vec![chunk] }
    }

    /// Takes over stored chunks, if they are what [`Decoder::chunks`] can return.
    pub(super) fn from_chunks(chunks: Vec<Chunk>) -> Option<Self> {
        (chunks.len() < N && chunks.is_sorted_by(|one, next| one.index < next.index))
            .then_some(Self { chunks })
    }

    /// The chunks so far.
    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Adds a chunk. Returns the message if it is the last one missing; the decoder is of no more use then.
    pub(super) fn add(&mut self, chunk: Chunk) -> Option<[Block; N]> {
        let place = match self.chunks.binary_search_by_key(&chunk.index, |held| held.index) {
            Ok(_) => return None,
            Err(place) => place,
        };
        self.chunks.insert(place, chunk);
        // Fails until there are exactly N.
        self.chunks.as_slice().try_into().ok().map(decode)
    }
}

/// The message of which N different chunks are known: blocks as they came, missing ones interpolated.
fn decode<const N: usize>(chunks: &[Chunk; N]) -> [Block; N] {
    let mut message = [[0; 32]; N];
    let mut missing = [true; N];
    for chunk in chunks {
        let at = usize::from(chunk.index);
        if let (Some(block), Some(missing)) = (message.get_mut(at), missing.get_mut(at)) {
            *block = chunk.data;
            *missing = false;
        }
    }
    if missing.contains(&true) {
        let points = Points::new(chunks.map(|chunk| chunk.index));
        let values = chunks.map(|chunk| lanes(chunk.data));
        for ((at, block), _) in (0..).zip(&mut message).zip(missing).filter(|(_, missing)| *missing) {
            *block = combine(&values, &points.weights(at));
        }
    }
    message
}

/// Different points at which the values of a polynomial of degree below `N` are known.
struct Points<const N: usize> {
    points: [u16; N],
    /// For each point the inverse of the product of its differences to all others.
    scales: [u16; N],
}

impl<const N: usize> Points<N> {
    /// 0 to N - 1, where the blocks lie. Worked out by the compiler.
    const FIRST: Self = Self::first();

    #[expect(clippy::indexing_slicing, reason = "the index stays below N; const functions cannot iterate")]
    const fn first() -> Self {
        let mut points = [0; N];
        let mut at = 1;
        while at < N {
            points[at] = points[at - 1] + 1;
            at += 1;
        }
        Self::new(points)
    }

    #[expect(clippy::indexing_slicing, reason = "the indices stay below N; const functions cannot iterate")]
    const fn new(points: [u16; N]) -> Self {
        let mut scales = [1; N];
        let mut at = 0;
        while at < N {
            let mut other = 0;
            while other < N {
                if other != at {
                    scales[at] = multiply(scales[at], points[at] ^ points[other]);
                }
                other += 1;
            }
            scales[at] = invert(scales[at]);
            at += 1;
        }
        Self { points, scales }
    }

    /// How much each known value counts in the value at `x`, which is none of the points: Lagrange's factors.
    fn weights(&self, x: u16) -> [u16; N] {
        // Products of the differences to the points on either side of each.
        let (mut before, mut after) = ([0; N], [0; N]);
        let (mut low, mut high) = (1, 1);
        let downwards = after.iter_mut().zip(&self.points).rev();
        for ((before, point), (after, counterpart)) in before.iter_mut().zip(&self.points).zip(downwards) {
            *before = low;
            low = multiply(low, x ^ point);
            *after = high;
            high = multiply(high, x ^ counterpart);
        }
        multiply_each(&mut before, &after);
        multiply_each(&mut before, &self.scales);
        before
    }
}

/// The sum of the values times their weights, for all sixteen polynomials at once.
///
/// Horner's rule over the bits of the weights: for each bit the values that have it are added up. Four values are
/// taken together, as one of their sixteen partial sums; adding them one by one, if they have the bit, is a branch
/// that no processor foresees, and takes four times as long.
fn combine<const N: usize>(values: &[[u16; 16]; N], weights: &[u16; N]) -> Block {
    let mut sums = [[0; 16]; 16];
    for (values, weights) in values.chunks(4).zip(weights.chunks(4)) {
        let partial = partial_sums(values);
        for (bit, sum) in sums.iter_mut().enumerate() {
            let which = weights.iter().rev().fold(0, |which, weight| (which << 1) | ((weight >> bit) & 1));
            if let Some(partial) = partial.get(usize::from(which)) {
                add(sum, partial);
            }
        }
    }
    let mut total = [0; 16];
    for sum in sums.iter().rev() {
        double(&mut total);
        add(&mut total, sum);
    }
    let mut block = [0; 32];
    block.as_chunks_mut().0.iter_mut().zip(total).for_each(|(bytes, lane)| *bytes = lane.to_be_bytes());
    block
}

/// The sums of all subsets of up to four values: bit i of the place says whether value i is in it.
fn partial_sums(values: &[[u16; 16]]) -> [[u16; 16]; 16] {
    let mut sums = [[0; 16]; 16];
    for (at, value) in values.iter().enumerate() {
        let (without, with) = sums.split_at_mut(1 << at);
        for (with, without) in with.iter_mut().zip(without) {
            *with = *without;
            add(with, value);
        }
    }
    sums
}

fn add(sum: &mut [u16; 16], other: &[u16; 16]) {
    sum.iter_mut().zip(other).for_each(|(sum, other)| *sum ^= other);
}

/// The values of the sixteen polynomials that a block holds.
fn lanes(block: Block) -> [u16; 16] {
    let mut lanes = [0; 16];
    lanes.iter_mut().zip(block.as_chunks().0).for_each(|(lane, bytes)| *lane = u16::from_be_bytes(*bytes));
    lanes
}

/// The bytes of `N` blocks.
pub(super) fn flat<const N: usize, const LEN: usize>(blocks: &[Block; N]) -> [u8; LEN] {
    const { assert!(LEN == 32 * N) };
    let mut bytes = [0; LEN];
    bytes.copy_from_slice(blocks.as_flattened());
    bytes
}

/// `N` blocks of bytes.
pub(super) fn blocks<const N: usize, const LEN: usize>(bytes: &[u8; LEN]) -> [Block; N] {
    const { assert!(LEN == 32 * N) };
    let mut blocks = [[0; 32]; N];
    blocks.as_flattened_mut().copy_from_slice(bytes);
    blocks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Indices that are drawn from the blocks and from all chunks alike, in any order, some twice.
    fn indices() -> impl Strategy<Value = Vec<u16>> {
        proptest::collection::vec(prop_oneof![0u16..30, any::<u16>()], 1..200)
    }

    proptest! {
        #[test]
        fn any_thirty_chunks_give_the_message_back(
            message in any::<[[[u8; 32]; 15]; 2]>(),
            indices in indices(),
        ) {
            let message: [Block; 30] = message.as_flattened().try_into().unwrap();
            let (mut decoder, mut held) = (Decoder::<30>::default(), BTreeSet::new());
            for index in indices {
                let decoded = decoder.add(Encoder::<30> { next: index }.chunk(&message));
                held.insert(index);
                prop_assert_eq!(decoded, (held.len() == 30).then_some(message));
                if decoded.is_some() {
                    break;
                }
                prop_assert!(decoder.chunks().iter().map(|chunk| chunk.index).eq(held.iter().copied()));
                prop_assert!(Decoder::<30>::from_chunks(decoder.chunks().to_vec()).is_some());
            }
        }
    }

    #[test]
    fn stored_chunks_that_no_decoder_holds_are_refused() {
        let chunks =
            |indices: &[u16]| indices.iter().map(|index| Chunk { index: *index, data: [0; 32] }).collect();
        let taken = |indices| Decoder::<3>::from_chunks(chunks(indices)).is_some();
        assert!(taken(&[]) && taken(&[1, 9]));
        assert!(!taken(&[1, 1]) && !taken(&[9, 1]) && !taken(&[1, 2, 3]));
    }

    #[test]
    fn after_the_last_chunk_the_first_comes_again() {
        let mut encoder = Encoder::<3> { next: u16::MAX };
        let message = [[1; 32], [2; 32], [3; 32]];
        assert_eq!(encoder.chunk(&message).index, u16::MAX);
        assert_eq!(encoder.chunk(&message), Chunk { index: 0, data: [1; 32] });
    }
}
