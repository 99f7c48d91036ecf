// Values as the canonical ABI carries them; a part of the crate that is generated for a world.
//
// An exported function gets its arguments as core values, or in memory that the host took by `cabi_realloc` and that is the
// function's own from then on. All core values are held as 64 bits here: inside a variant cases share them, a narrow value in the
// low bits of a wide one, so that no case needs to know what the others are.
use crate::memory::{Flat, reallocate, release};

/// How much room a type takes.
pub trait Laid {
    const SIZE: usize;
    const ALIGN: usize;
    /// How many core values carry it.
    const FLAT: usize;
    /// Whether it lies in memory as in Rust and any bits are a value, so that a list of it is used where it lies.
    const PLAIN: bool = false;
}

/// A type that a function of the world takes or gives.
pub trait Value: Laid + Sized {
    /// Takes the value that lies at an address, with all that it points to.
    unsafe fn load(at: *mut u8) -> Self;
    /// Lays the value there; what it points to is the taker's.
    unsafe fn store(self, at: *mut u8);
    unsafe fn lift(flat: &mut Flat) -> Self;
    /// The one core value of a type that has one.
    fn bits(self) -> u64 {
        unreachable!()
    }
}

/// Lays a result into memory, until `take_back`.
pub fn give<T: Value>(value: T) -> *mut u8 {
    unsafe {
        let at = reallocate(std::ptr::null_mut(), 0, T::ALIGN, T::SIZE);
        value.store(at);
        at
    }
}

/// Frees a result and all that it points to.
pub unsafe fn take_back<T: Value>(at: *mut u8) {
    unsafe {
        drop(T::load(at));
        release(at, (T::SIZE, T::ALIGN));
    }
}

fn give_list<T: Value>(list: Vec<T>) -> (usize, usize) {
    let length = list.len();
    if length == 0 {
        return (T::ALIGN, 0);
    }
    if T::PLAIN {
        return (Box::into_raw(list.into_boxed_slice()) as *mut T as usize, length);
    }
    let start = unsafe { reallocate(std::ptr::null_mut(), 0, T::ALIGN, length * T::SIZE) };
    for (at, item) in list.into_iter().enumerate() {
        unsafe { item.store(start.add(at * T::SIZE)) }
    }
    (start as usize, length)
}

unsafe fn take_list<T: Value>(start: usize, length: usize) -> Vec<T> {
    // The address of an empty list means nothing, and is not to be freed.
    if length == 0 {
        return Vec::new();
    }
    let start = start as *mut u8;
    unsafe {
        if T::PLAIN {
            return Vec::from_raw_parts(start.cast(), length, length);
        }
        let list = (0..length).map(|at| T::load(start.add(at * T::SIZE))).collect();
        release(start, (length * T::SIZE, T::ALIGN));
        list
    }
}

impl Laid for () {
    const SIZE: usize = 0;
    const ALIGN: usize = 1;
    const FLAT: usize = 0;
}

impl Value for () {
    unsafe fn load(_: *mut u8) {}
    unsafe fn store(self, _: *mut u8) {}
    unsafe fn lift(_: &mut Flat) {}
}

macro_rules! number {
    ($($type:ty),*: $lift:expr, $bits:expr) => {$(
        impl Laid for $type {
            const SIZE: usize = size_of::<$type>();
            const ALIGN: usize = size_of::<$type>();
            const FLAT: usize = 1;
            const PLAIN: bool = true;
        }
        impl Value for $type {
            unsafe fn load(at: *mut u8) -> Self {
                unsafe { at.cast::<$type>().read() }
            }
            unsafe fn store(self, at: *mut u8) {
                unsafe { at.cast::<$type>().write(self) }
            }
            unsafe fn lift(flat: &mut Flat) -> Self {
                let lift: fn(u64) -> $type = $lift;
                lift(flat.next())
            }
            fn bits(self) -> u64 {
                let bits: fn($type) -> u64 = $bits;
                bits(self)
            }
        }
    )*};
}
number!(i8, u8, i16, u16, i32, u32, i64, u64: |bits| bits as _, |value| value as i64 as u64);
number!(f32: |bits| f32::from_bits(bits as u32), |value| value.to_bits() as u64);
number!(f64: |bits| f64::from_bits(bits), |value| value.to_bits());

/// A type that is carried as another one is.
macro_rules! carried {
    ($type:ty as $other:ty: $from:expr, $into:expr) => {
        impl Laid for $type {
            const SIZE: usize = <$other>::SIZE;
            const ALIGN: usize = <$other>::ALIGN;
            const FLAT: usize = <$other>::FLAT;
        }
        impl Value for $type {
            unsafe fn load(at: *mut u8) -> Self {
                let from: fn($other) -> $type = $from;
                from(unsafe { <$other>::load(at) })
            }
            unsafe fn store(self, at: *mut u8) {
                let into: fn($type) -> $other = $into;
                unsafe { into(self).store(at) }
            }
            unsafe fn lift(flat: &mut Flat) -> Self {
                let from: fn($other) -> $type = $from;
                from(unsafe { <$other>::lift(flat) })
            }
            fn bits(self) -> u64 {
                let into: fn($type) -> $other = $into;
                into(self).bits()
            }
        }
    };
}
carried!(bool as u8: |byte| byte != 0, |value| value as u8);
carried!(char as u32: |code| char::from_u32(code).expect("a scalar value"), |value| value as u32);
// The host only passes UTF-8: it is its contract, and checking twice would cost as much as most functions.
carried!(String as Vec<u8>: |bytes| unsafe { String::from_utf8_unchecked(bytes) }, |text| text.into_bytes());

impl<T> Laid for Vec<T> {
    const SIZE: usize = 8;
    const ALIGN: usize = 4;
    const FLAT: usize = 2;
}

impl<T: Value> Value for Vec<T> {
    unsafe fn load(at: *mut u8) -> Self {
        unsafe {
            let words = at.cast::<u32>();
            take_list(words.read() as usize, words.add(1).read() as usize)
        }
    }
    unsafe fn store(self, at: *mut u8) {
        let (start, length) = give_list(self);
        unsafe {
            at.cast::<u32>().write(start as u32);
            at.cast::<u32>().add(1).write(length as u32);
        }
    }
    unsafe fn lift(flat: &mut Flat) -> Self {
        let (start, length) = (flat.next() as u32, flat.next() as u32);
        unsafe { take_list(start as usize, length as usize) }
    }
}
