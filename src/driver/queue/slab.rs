//! The seats of a queue, numbered, in chunks of 64 that are freed when nobody has a seat there.

use super::bits::Bits;
use super::seat::{MOST, Seat};

pub(super) const SEATS: usize = 64;

/// A bit for each seat.
const ALL: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Slab<T, C> {
    /// A chunk is there if one of its seats is taken, or if it is kept; the last one is.
    pub(super) chunks: Vec<Option<Box<Chunk<T, C>>>>,
    /// Which chunks have a seat that is free, those that are not there among them.
    pub(super) open: Bits,
    /// Which chunk is kept if it is empty, so that a lone timer that comes and goes allocates nothing.
    pub(super) kept: usize,
    /// How many seats are taken.
    pub(super) taken: usize,
}

#[derive(Debug)]
pub(super) struct Chunk<T, C> {
    /// Which seats are free.
    pub(super) free: u64,
    /// What the queue's owner keeps beside them.
    beside: C,
    pub(super) seats: [Seat<T>; SEATS],
}

impl<T, C: Default> Slab<T, C> {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            open: Bits::default(),
            kept: usize::MAX,
            taken: 0,
        }
    }

    /// Takes the lowest seat that is free.
    ///
    /// # Panics
    ///
    /// If two billion are taken.
    #[inline]
    pub(super) fn join(&mut self) -> u32 {
        let at = self.open.lowest().unwrap_or(self.chunks.len());
        let chunk = match self.chunks.get_mut(at) {
            Some(Some(chunk)) => chunk,
            _ => self.add(at),
        };
        let place = chunk.free.trailing_zeros();
        chunk.free &= chunk.free - 1;
        if chunk.free == 0 {
            self.open.remove(at);
        }
        self.taken += 1;
        number(at) + place
    }

    #[cold]
    fn add(&mut self, at: usize) -> &mut Chunk<T, C> {
        assert!(at < MOST as usize / SEATS, "too many timers");
        if at == self.chunks.len() {
            self.open.insert(at);
            self.chunks.push(None);
        }
        self.chunks[at].insert(Box::new(Chunk::new()))
    }

    /// Gives one back that does not wait.
    #[inline]
    pub(super) fn leave(&mut self, seat: u32) {
        let (at, place) = split(seat);
        let chunk = self.chunk(at);
        let was_full = chunk.free == 0;
        chunk.free |= 1 << place;
        let is_empty = chunk.free == ALL;
        if was_full {
            self.open.insert(at);
        }
        self.taken -= 1;
        if is_empty && at != self.kept {
            self.empty(at);
        }
    }

    /// Of those that are empty the lowest is kept, which is used again before the others would be.
    #[cold]
    fn empty(&mut self, at: usize) {
        let kept = self.chunks.get(self.kept).and_then(Option::as_ref);
        let is_another_empty = kept.is_some_and(|kept| kept.free == ALL);
        let freed = at.max(self.kept);
        if !is_another_empty || at < self.kept {
            self.kept = at;
        }
        if !is_another_empty {
            return;
        }
        self.chunks[freed] = None;
        if freed + 1 < self.chunks.len() {
            return;
        }
        while let Some(None) = self.chunks.last() {
            self.chunks.pop();
            self.open.remove(self.chunks.len());
        }
        self.open.truncate(self.chunks.len());
        super::shrink(&mut self.chunks);
    }

    #[inline]
    fn chunk(&mut self, at: usize) -> &mut Chunk<T, C> {
        self.chunks[at].as_mut().expect("a seat that is taken")
    }

    #[inline]
    pub(super) fn get(&self, seat: u32) -> &Seat<T> {
        let (at, place) = split(seat);
        let chunk = self.chunks[at].as_ref().expect("a seat that is taken");
        &chunk.seats[place]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, seat: u32) -> &mut Seat<T> {
        let (at, place) = split(seat);
        &mut self.chunk(at).seats[place]
    }

    pub(super) fn beside(&mut self, seat: u32) -> &mut C {
        &mut self.chunk(split(seat).0).beside
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn into_values(self) -> impl Iterator<Item = T> {
        let seats = self.chunks.into_iter().flatten();
        seats.flat_map(|chunk| chunk.seats.into_iter().filter_map(|seat| seat.value))
    }
}

impl<T, C: Default> Chunk<T, C> {
    fn new() -> Self {
        Self {
            free: ALL,
            beside: C::default(),
            seats: [const { Seat::IDLE }; SEATS],
        }
    }
}

/// The chunk of a seat, and its place there.
#[inline]
fn split(seat: u32) -> (usize, usize) {
    (seat as usize / SEATS, seat as usize % SEATS)
}

/// The number of a chunk's first seat.
#[allow(
    clippy::cast_possible_truncation,
    reason = "there are no more chunks than numbers of seats"
)]
fn number(chunk: usize) -> u32 {
    (chunk * SEATS) as u32
}
