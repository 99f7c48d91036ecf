// Where values lie: core values, memory, and the layout of what is made of others; a part of the crate that is generated for a world.
use crate::value::{Laid, Value};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};

/// Core values that have not been taken yet.
pub struct Flat<'a>(pub &'a [u64]);

impl<'a> Flat<'a> {
    pub fn next(&mut self) -> u64 {
        self.take(1).0[0]
    }

    pub fn take(&mut self, count: usize) -> Flat<'a> {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Flat(taken)
    }
}

/// The members of a record in memory, one after another.
pub struct Fields(*mut u8, usize);

impl Fields {
    pub fn at(start: *mut u8) -> Self {
        Fields(start, 0)
    }

    pub fn next<T: Laid>(&mut self) -> *mut u8 {
        let at = self.1.next_multiple_of(T::ALIGN);
        self.1 = at + T::SIZE;
        unsafe { self.0.add(at) }
    }

    pub unsafe fn load<T: Value>(&mut self) -> T {
        unsafe { T::load(self.next::<T>()) }
    }

    pub unsafe fn store<T: Value>(&mut self, value: T) {
        unsafe { value.store(self.next::<T>()) }
    }
}

/// Size and alignment of a record whose members have these.
pub const fn record_layout(members: &[(usize, usize)]) -> (usize, usize) {
    let (mut size, mut align, mut at) = (0usize, 1, 0);
    while at < members.len() {
        size = size.next_multiple_of(members[at].1) + members[at].0;
        align = most(align, members[at].1);
        at += 1;
    }
    (size.next_multiple_of(align), align)
}

/// Size and alignment of a variant, and where its payload lies: a tag of so many bytes, and cases with these sizes and alignments.
pub const fn variant_layout(tag: usize, cases: &[(usize, usize)]) -> (usize, usize, usize) {
    let (mut size, mut align, mut at) = (0, 1, 0);
    while at < cases.len() {
        size = most(size, cases[at].0);
        align = most(align, cases[at].1);
        at += 1;
    }
    let payload = tag.next_multiple_of(align);
    let whole = most(align, tag);
    ((payload + size).next_multiple_of(whole), whole, payload)
}

const fn most(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

pub const fn most_of(counts: &[usize]) -> usize {
    let (mut found, mut at) = (0, 0);
    while at < counts.len() {
        found = most(found, counts[at]);
        at += 1;
    }
    found
}

/// `cabi_realloc`: without memory the function traps. A block of size 0 is no block; its address only has to be aligned.
pub unsafe fn reallocate(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    if size == 0 {
        return align as *mut u8;
    }
    unsafe {
        let layout = Layout::from_size_align_unchecked(size, align);
        let block = if old_size == 0 { alloc(layout) } else { realloc(old, Layout::from_size_align_unchecked(old_size, align), size) };
        if block.is_null() { handle_alloc_error(layout) } else { block }
    }
}

pub unsafe fn release(block: *mut u8, (size, align): (usize, usize)) {
    if size > 0 {
        unsafe { dealloc(block, Layout::from_size_align_unchecked(size, align)) }
    }
}
