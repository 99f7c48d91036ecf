// Values that an import is called with; a part of the crate that is generated for a world.
//
// What an import takes stays its caller's: the host reads it while the call lasts. So strings and lists of numbers are read where they
// lie, and only what has another form in memory is laid out for the call. Handles that are given away are the exception.
use crate::memory::{Fields, reallocate, release};
use crate::value::{Laid, Value};

/// A type that an import takes.
pub trait Lent: Laid {
    /// Adds its core values; what they point to lies in `self` or in `kept`.
    fn lower(&self, slots: &mut Slots, kept: &mut Kept);
    /// Lays it there, likewise.
    unsafe fn lay(&self, at: *mut u8, kept: &mut Kept);
    /// The same for what is given by reference, which differs for handles.
    fn lower_lent(&self, slots: &mut Slots, kept: &mut Kept) {
        self.lower(slots, kept);
    }
    unsafe fn lay_lent(&self, at: *mut u8, kept: &mut Kept) {
        unsafe { self.lay(at, kept) }
    }
}

impl<T: Laid> Laid for &T {
    const SIZE: usize = T::SIZE;
    const ALIGN: usize = T::ALIGN;
    const FLAT: usize = T::FLAT;
}

impl<T: Lent> Lent for &T {
    fn lower(&self, slots: &mut Slots, kept: &mut Kept) {
        T::lower_lent(self, slots, kept);
    }
    unsafe fn lay(&self, at: *mut u8, kept: &mut Kept) {
        unsafe { T::lay_lent(self, at, kept) }
    }
}

/// Core values of a call, as 64 bits each; those that nobody adds are 0.
pub struct Slots {
    pub values: [u64; 16],
    used: usize,
}

impl Slots {
    pub fn new() -> Self {
        Slots { values: [0; 16], used: 0 }
    }

    pub fn push(&mut self, bits: u64) {
        self.values[self.used] = bits;
        self.used += 1;
    }

    /// Where the next are to be when so many have been added.
    pub fn after(&self, count: usize) -> usize {
        self.used + count
    }

    pub fn skip_to(&mut self, end: usize) {
        self.used = end;
    }
}

/// Memory that is needed until a call has ended.
pub struct Kept(Vec<(*mut u8, (usize, usize))>);

impl Kept {
    pub fn new() -> Self {
        Kept(Vec::new())
    }

    pub fn take(&mut self, layout: (usize, usize)) -> *mut u8 {
        let block = unsafe { reallocate(std::ptr::null_mut(), 0, layout.1, layout.0) };
        self.0.push((block, layout));
        block
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for &(block, layout) in &self.0 {
            unsafe { release(block, layout) }
        }
    }
}

/// The value that an import leaves in an area of memory.
pub unsafe fn answer<T: Value>(kept: &mut Kept, call: impl FnOnce(*mut u8)) -> T {
    let area = kept.take((T::SIZE, T::ALIGN));
    call(area);
    unsafe { T::load(area) }
}

fn lend_list<T: Lent>(list: &[T], kept: &mut Kept) -> (usize, usize) {
    if T::PLAIN || list.is_empty() {
        return (list.as_ptr() as usize, list.len());
    }
    let start = kept.take((list.len() * T::SIZE, T::ALIGN));
    for (at, item) in list.iter().enumerate() {
        unsafe { item.lay(start.add(at * T::SIZE), kept) }
    }
    (start as usize, list.len())
}

/// Types that have an address and a length.
macro_rules! lent_list {
    ([$($generic:ident)?] $type:ty: $list:expr) => {
        impl<$($generic: Lent)?> Lent for $type {
            fn lower(&self, slots: &mut Slots, kept: &mut Kept) {
                let list: fn(&Self) -> &[_] = $list;
                let (start, length) = lend_list(list(self), kept);
                slots.push(start as u64);
                slots.push(length as u64);
            }
            unsafe fn lay(&self, at: *mut u8, kept: &mut Kept) {
                let list: fn(&Self) -> &[_] = $list;
                let (start, length) = lend_list(list(self), kept);
                let mut fields = Fields::at(at);
                unsafe {
                    fields.store(start as u32);
                    fields.store(length as u32);
                }
            }
        }
    };
}
lent_list!([T] Vec<T>: |list| list);
lent_list!([T] &[T]: |list| list);
lent_list!([] String: |text| text.as_bytes());
lent_list!([] &str: |text| text.as_bytes());

macro_rules! laid_list {
    ([$($generic:ident)?] $type:ty) => {
        impl<$($generic)?> Laid for $type {
            const SIZE: usize = 8;
            const ALIGN: usize = 4;
            const FLAT: usize = 2;
        }
    };
}
laid_list!([T] &[T]);
laid_list!([] &str);

/// Types whose value is one core value.
macro_rules! lent_scalar {
    ($($type:ty),*) => {$(
        impl Lent for $type {
            fn lower(&self, slots: &mut Slots, _: &mut Kept) {
                slots.push(self.bits());
            }
            unsafe fn lay(&self, at: *mut u8, _: &mut Kept) {
                unsafe { self.store(at) }
            }
        }
    )*};
}
lent_scalar!(bool, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64, char);

impl Lent for () {
    fn lower(&self, _: &mut Slots, _: &mut Kept) {}
    unsafe fn lay(&self, _: *mut u8, _: &mut Kept) {}
}
