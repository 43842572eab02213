//! The deadlines of one driver, in order. A data structure: no clock, no I/O, no lock.
//!
//! A 4-ary heap of deadlines over a slab of seats. A timer takes a seat when it first waits and
//! keeps it until it is dropped, so a periodic timer's every wait after the first is a push onto
//! the heap and nothing else: no allocation, and no key that could be stale.

use tokio::time::Instant;

/// Wide enough that a parent's children share a cache line or two, narrow enough that finding the
/// earliest of them is cheap.
const ARITY: usize = 4;

/// The heap position of a seat that is not waiting.
const IDLE: usize = usize::MAX;

/// A seat in one queue.
///
/// Only ever used with the queue that gave it, and not after [`Queue::leave`]: its one owner
/// upholds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(usize);

/// Values waiting for their deadlines; the earliest deadline first, and of equal ones the one that
/// was set first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: Vec<Node>,
    seats: Vec<Seat<T>>,
    free: Vec<usize>,
    /// Distinguishes equal deadlines. A `u64` counted up a billion times a second lasts 584 years.
    next_turn: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    deadline: Instant,
    turn: u64,
    seat: usize,
}

#[derive(Debug)]
struct Seat<T> {
    position: usize,
    value: Option<T>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: Vec::new(),
            seats: Vec::new(),
            free: Vec::new(),
            next_turn: 0,
        }
    }

    /// Takes a seat, not yet waiting for anything.
    pub(crate) fn join(&mut self) -> Key {
        let seat = self.free.pop().unwrap_or_else(|| {
            self.seats.push(Seat {
                position: IDLE,
                value: None,
            });
            self.seats.len() - 1
        });
        Key(seat)
    }

    /// Gives the seat back, with what waited in it.
    pub(crate) fn leave(&mut self, key: Key) -> Option<T> {
        let value = self.cancel(key);
        self.free.push(key.0);
        value
    }

    /// Waits for `deadline` with `value`, in place of what this seat waited for before; returns
    /// the value it had.
    pub(crate) fn wait(&mut self, key: Key, deadline: Instant, value: T) -> Option<T> {
        let before = self.seats[key.0].value.replace(value);
        if !self.postpone(key, deadline) {
            let node = self.node(deadline, key.0);
            self.heap.push(node);
            self.sift_up(self.heap.len() - 1);
        }
        before
    }

    /// Moves a waiting seat to another deadline; `false` if it is not waiting.
    pub(crate) fn postpone(&mut self, key: Key, deadline: Instant) -> bool {
        let position = self.seats[key.0].position;
        if position == IDLE {
            return false;
        }
        if self.heap[position].deadline != deadline {
            self.heap[position] = self.node(deadline, key.0);
            self.sift(position);
        }
        true
    }

    /// Stops waiting; returns what waited.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let position = self.seats[key.0].position;
        if position != IDLE {
            self.remove(position);
        }
        self.seats[key.0].value.take()
    }

    /// The earliest deadline.
    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.heap.first().map(|node| node.deadline)
    }

    /// Takes the first value whose deadline is `now` or before.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<T> {
        let first = *self.heap.first()?;
        if first.deadline > now {
            return None;
        }
        self.remove(0);
        self.seats[first.seat].value.take()
    }

    /// Every value that waits, in no particular order.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.seats.into_iter().filter_map(|seat| seat.value)
    }

    fn node(&mut self, deadline: Instant, seat: usize) -> Node {
        let turn = self.next_turn;
        self.next_turn += 1;
        Node {
            deadline,
            turn,
            seat,
        }
    }

    fn remove(&mut self, position: usize) {
        let removed = self.heap.swap_remove(position);
        self.seats[removed.seat].position = IDLE;
        if position < self.heap.len() {
            self.sift(position);
        }
    }

    /// Puts the node at `position`, which alone may be out of order, where it belongs.
    fn sift(&mut self, position: usize) {
        let position = self.sift_up(position);
        self.sift_down(position);
    }

    fn sift_up(&mut self, mut position: usize) -> usize {
        let node = self.heap[position];
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.heap[parent] <= node {
                break;
            }
            self.place(position, self.heap[parent]);
            position = parent;
        }
        self.place(position, node);
        position
    }

    fn sift_down(&mut self, mut position: usize) {
        let node = self.heap[position];
        loop {
            let first = position * ARITY + 1;
            let children = first..self.heap.len().min(first + ARITY);
            let Some(child) = children.min_by_key(|&child| self.heap[child]) else {
                break;
            };
            if node <= self.heap[child] {
                break;
            }
            self.place(position, self.heap[child]);
            position = child;
        }
        self.place(position, node);
    }

    fn place(&mut self, position: usize, node: Node) {
        self.heap[position] = node;
        self.seats[node.seat].position = position;
    }
}
