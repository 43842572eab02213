//! The near timers in exact order: a 4-ary heap.
//!
//! Its nodes are small, and the four children of a node fill one cache line.

use super::node::Node;
use super::slab::Slab;

pub(super) const ARITY: usize = 4;

/// The children of one parent. They fill a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Siblings([Node; ARITY]);

/// The root is the last of `siblings[0]`, where it is alone. The children of the node at index `i` are
/// `siblings[i + 1]`. [`Node::NEVER`] fills the places after the last node.
#[derive(Debug, Default)]
pub(super) struct Heap {
    pub(super) siblings: Vec<Siblings>,
    len: usize,
}

impl Heap {
    #[inline]
    pub(super) fn get(&self, index: usize) -> Node {
        let offset = index + ARITY - 1;
        self.siblings[offset / ARITY].0[offset % ARITY]
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn first(&self) -> Option<Node> {
        (self.len > 0).then(|| self.get(0))
    }

    /// Returns the children of the root, in order.
    pub(super) fn root_children(&self) -> impl Iterator<Item = Node> {
        let mut nodes = self
            .siblings
            .get(1)
            .map_or([Node::NEVER; ARITY], |siblings| siblings.0);
        nodes.sort_unstable();
        nodes.into_iter().take_while(|node| *node != Node::NEVER)
    }

    /// Counts the nodes in the subtree at `index` whose hard deadline is `until` or earlier, up to `max`.
    pub(super) fn count(&self, index: usize, until: u64, max: usize) -> usize {
        if index >= self.len || max == 0 || self.get(index).hard_deadline() > until {
            return 0;
        }
        let children = index * ARITY + 1..=index * ARITY + ARITY;
        children.fold(1, |count, child| {
            count + self.count(child, until, max - count)
        })
    }

    #[inline]
    fn set(&mut self, index: usize, node: Node) {
        let offset = index + ARITY - 1;
        self.siblings[offset / ARITY].0[offset % ARITY] = node;
    }

    /// Like [`set`](Self::set), but also stores the index in the node's slot.
    #[inline]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "there are no more nodes than slots, whose numbers have 32 bits"
    )]
    fn set_linked<T, U: Default>(&mut self, index: usize, node: Node, slab: &mut Slab<T, U>) {
        self.set(index, node);
        slab.get_mut(node.slot()).link = index as u32;
    }

    /// Inserts `node`. Its slot must be marked as queued in the heap.
    #[inline]
    pub(super) fn push<T, U: Default>(&mut self, node: Node, slab: &mut Slab<T, U>) {
        if self.len.div_ceil(ARITY) == self.siblings.len() {
            self.siblings.push(Siblings([Node::NEVER; ARITY]));
        }
        self.len += 1;
        self.sift_up(self.len - 1, node, slab);
    }

    /// Removes the node at `index`. Does not change its slot.
    #[inline]
    pub(super) fn remove<T, U: Default>(&mut self, index: usize, slab: &mut Slab<T, U>) {
        self.len -= 1;
        let last = self.get(self.len);
        self.set(self.len, Node::NEVER);
        if index < self.len {
            self.replace(index, last, slab);
        }
        if self.len % ARITY == 1 {
            // The removed place was the first of its siblings. The root's siblings remain.
            self.siblings.pop();
            super::shrink(&mut self.siblings);
        }
    }

    /// Removes the nodes whose hard deadline is `horizon` or later, and passes their slots to `far`.
    pub(super) fn split_off<T, U: Default>(
        &mut self,
        horizon: u64,
        slab: &mut Slab<T, U>,
        mut far: impl FnMut(u32, &mut Slab<T, U>),
    ) {
        let len = std::mem::take(&mut self.len);
        for index in 0..len {
            let node = self.get(index);
            self.set(index, Node::NEVER);
            if node.hard_deadline() < horizon {
                // The node lands at an index that this loop has already visited.
                self.push(node, slab);
            } else {
                far(node.slot(), slab);
            }
        }
        self.siblings.truncate((self.len + 2 * ARITY - 2) / ARITY);
        super::shrink(&mut self.siblings);
    }

    /// Replaces the node at `index` with `node`, and restores the order.
    #[inline]
    pub(super) fn replace<T, U: Default>(
        &mut self,
        index: usize,
        node: Node,
        slab: &mut Slab<T, U>,
    ) {
        if index > 0 && node < self.get((index - 1) / ARITY) {
            self.sift_up(index, node, slab);
        } else {
            self.sift_down(index, node, slab);
        }
    }

    fn sift_up<T, U: Default>(&mut self, mut index: usize, node: Node, slab: &mut Slab<T, U>) {
        while index > 0 {
            let parent = (index - 1) / ARITY;
            let above = self.get(parent);
            if above <= node {
                break;
            }
            self.set_linked(index, above, slab);
            index = parent;
        }
        self.set_linked(index, node, slab);
    }

    fn sift_down<T, U: Default>(&mut self, mut index: usize, node: Node, slab: &mut Slab<T, U>) {
        while let Some(Siblings([a, b, c, d])) = self.siblings.get(index + 1).copied() {
            let (left, l) = if b < a { (b, 1) } else { (a, 0) };
            let (right, r) = if d < c { (d, 3) } else { (c, 2) };
            let (child, child_offset) = if right < left { (right, r) } else { (left, l) };
            if node <= child {
                break;
            }
            self.set_linked(index, child, slab);
            index = index * ARITY + 1 + child_offset;
        }
        self.set_linked(index, node, slab);
    }
}
