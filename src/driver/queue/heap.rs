//! What is near, exactly in order: a 4-ary heap.
//!
//! What it moves about is small, and a node's four children are one cache line.

use super::slab::Slab;

pub(super) const ARITY: usize = 4;

/// A hard_deadline moment, a seq and a slot, the first in the highest bits: nodes compare as numbers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Node(u128);

impl Node {
    /// After any other.
    pub(super) const NEVER: Self = Self(u128::MAX);

    #[inline]
    pub(super) fn new(hard_deadline: u64, seq: u32, slot: u32) -> Self {
        Self(u128::from(hard_deadline) << 64 | u128::from(seq) << 32 | u128::from(slot))
    }

    #[inline]
    pub(super) fn hard_deadline(self) -> u64 {
        (self.0 >> 64) as u64
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "it is the lowest 32 bits")]
    pub(super) fn slot(self) -> u32 {
        self.0 as u32
    }
}

/// Children of one parent: a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Siblings([Node; ARITY]);

/// The heap's root is alone in the last place of the first siblings; the children of position `p`
/// are the siblings `p + 1`. Places behind the last node are filled with [`Node::NEVER`].
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub(super) siblings: Vec<Siblings>,
    len: usize,
}

impl Heap {
    #[inline]
    pub(super) fn get(&self, position: usize) -> Node {
        let place = position + ARITY - 1;
        self.siblings[place / ARITY].0[place % ARITY]
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn first(&self) -> Option<Node> {
        (self.len > 0).then(|| self.get(0))
    }

    /// The nodes right below the first, in their order.
    pub(super) fn below_first(&self) -> impl Iterator<Item = Node> {
        let mut nodes = self
            .siblings
            .get(1)
            .map_or([Node::NEVER; ARITY], |siblings| siblings.0);
        nodes.sort_unstable();
        nodes.into_iter().take_while(|node| *node != Node::NEVER)
    }

    /// How many nodes there are at `position` and below with a hard_deadline moment by `until`; `most`, if
    /// there are more.
    pub(super) fn count(&self, position: usize, until: u64, most: usize) -> usize {
        if position >= self.len || most == 0 || self.get(position).hard_deadline() > until {
            return 0;
        }
        let children = position * ARITY + 1..=position * ARITY + ARITY;
        children.fold(1, |count, child| {
            count + self.count(child, until, most - count)
        })
    }

    #[inline]
    fn set(&mut self, position: usize, node: Node) {
        let place = position + ARITY - 1;
        self.siblings[place / ARITY].0[place % ARITY] = node;
    }

    /// As [`set`](Self::set), and lets the node's slot know.
    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "there are no more nodes than slots, whose numbers have 32 bits"
    )]
    fn place<T, C: Default>(&mut self, position: usize, node: Node, slab: &mut Slab<T, C>) {
        self.set(position, node);
        slab.get_mut(node.slot()).link = position as u32;
    }

    /// Its slot knows that it is in the heap, but not where.
    #[inline]
    pub(super) fn push<T, C: Default>(&mut self, node: Node, slab: &mut Slab<T, C>) {
        if self.len.div_ceil(ARITY) == self.siblings.len() {
            self.siblings.push(Siblings([Node::NEVER; ARITY]));
        }
        self.len += 1;
        self.sift_up(self.len - 1, node, slab);
    }

    /// Its slot is told nothing.
    #[inline]
    pub(super) fn remove<T, C: Default>(&mut self, position: usize, slab: &mut Slab<T, C>) {
        self.len -= 1;
        let last = self.get(self.len);
        self.set(self.len, Node::NEVER);
        if position < self.len {
            self.replace(position, last, slab);
        }
        if self.len % ARITY == 1 {
            // It was the first of its siblings. The root's place is kept.
            self.siblings.pop();
            super::shrink(&mut self.siblings);
        }
    }

    /// Takes out the nodes from `horizon` on, and gives their slots to `far`.
    pub(super) fn split_off<T, C: Default>(
        &mut self,
        horizon: u64,
        slab: &mut Slab<T, C>,
        mut far: impl FnMut(u32, &mut Slab<T, C>),
    ) {
        let len = std::mem::take(&mut self.len);
        for position in 0..len {
            let node = self.get(position);
            self.set(position, Node::NEVER);
            if node.hard_deadline() < horizon {
                // Into a place that has been looked at.
                self.push(node, slab);
            } else {
                far(node.slot(), slab);
            }
        }
        self.siblings.truncate((self.len + 2 * ARITY - 2) / ARITY);
        super::shrink(&mut self.siblings);
    }

    /// Puts `node` where it belongs, in place of the one at `position`.
    #[inline]
    pub(super) fn replace<T, C: Default>(
        &mut self,
        position: usize,
        node: Node,
        slab: &mut Slab<T, C>,
    ) {
        if position > 0 && node < self.get((position - 1) / ARITY) {
            self.sift_up(position, node, slab);
        } else {
            self.sift_down(position, node, slab);
        }
    }

    fn sift_up<T, C: Default>(&mut self, mut position: usize, node: Node, slab: &mut Slab<T, C>) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            let above = self.get(parent);
            if above <= node {
                break;
            }
            self.place(position, above, slab);
            position = parent;
        }
        self.place(position, node, slab);
    }

    fn sift_down<T, C: Default>(&mut self, mut position: usize, node: Node, slab: &mut Slab<T, C>) {
        while let Some(Siblings([a, b, c, d])) = self.siblings.get(position + 1).copied() {
            let (left, l) = if b < a { (b, 1) } else { (a, 0) };
            let (right, r) = if d < c { (d, 3) } else { (c, 2) };
            let (child, which) = if right < left { (right, r) } else { (left, l) };
            if node <= child {
                break;
            }
            self.place(position, child, slab);
            position = position * ARITY + 1 + which;
        }
        self.place(position, node, slab);
    }
}
