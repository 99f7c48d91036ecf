// Values that are made of others; a part of the crate that is generated for a world.
use crate::lent::{Kept, Lent, Slots};
use crate::memory::{Fields, Flat, most_of, record_layout, variant_layout};
use crate::value::{Laid, Value};

/// A record with its fields, in order.
macro_rules! record {
    ($name:ty { $($field:ident: $type:ty),* }) => {
        impl Laid for $name {
            const SIZE: usize = record_layout(&[$((<$type>::SIZE, <$type>::ALIGN)),*]).0;
            const ALIGN: usize = record_layout(&[$((<$type>::SIZE, <$type>::ALIGN)),*]).1;
            const FLAT: usize = 0 $(+ <$type>::FLAT)*;
        }
        impl Lent for $name {
            fn lower(&self, slots: &mut Slots, kept: &mut Kept) {
                $(self.$field.lower(slots, kept);)*
            }
            unsafe fn lay(&self, at: *mut u8, kept: &mut Kept) {
                let mut fields = Fields::at(at);
                $(unsafe { self.$field.lay(fields.next::<$type>(), kept) };)*
            }
        }
        impl Value for $name {
            unsafe fn load(at: *mut u8) -> Self {
                let mut fields = Fields::at(at);
                unsafe { Self { $($field: fields.load()),* } }
            }
            unsafe fn store(self, at: *mut u8) {
                let mut fields = Fields::at(at);
                $(unsafe { fields.store(self.$field) };)*
            }
            unsafe fn lift(flat: &mut Flat) -> Self {
                unsafe { Self { $($field: Value::lift(flat)),* } }
            }
            fn bits(self) -> u64 {
                $(if <$type>::FLAT == 1 {
                    return self.$field.bits();
                })*
                unreachable!()
            }
        }
    };
}

/// A variant, or a type like one, with the integer of its tag and its cases.
macro_rules! variant {
    ([$($generic:ident)*] $name:ty: $tag:ty { $($at:literal => $case:ident $(($value:ident: $type:ty))?),* }) => {
        impl<$($generic: Laid),*> Laid for $name {
            const SIZE: usize = variant_layout(<$tag>::SIZE, &[$((0 $(+ <$type>::SIZE)?, 1 $(* <$type>::ALIGN)?)),*]).0;
            const ALIGN: usize = variant_layout(<$tag>::SIZE, &[$((0 $(+ <$type>::SIZE)?, 1 $(* <$type>::ALIGN)?)),*]).1;
            const FLAT: usize = 1 + most_of(&[$(0 $(+ <$type>::FLAT)?),*]);
        }
        impl<$($generic: Lent),*> Lent for $name {
            #[allow(unused_variables)]
            fn lower(&self, slots: &mut Slots, kept: &mut Kept) {
                let end = slots.after(Self::FLAT);
                match self {
                    $(Self::$case $(($value))? => {
                        slots.push($at);
                        $(<$type as Lent>::lower($value, slots, kept);)?
                    })*
                }
                slots.skip_to(end);
            }
            #[allow(unused_variables)]
            unsafe fn lay(&self, at: *mut u8, kept: &mut Kept) {
                let payload = variant_layout(<$tag>::SIZE, &[$((0 $(+ <$type>::SIZE)?, 1 $(* <$type>::ALIGN)?)),*]).2;
                unsafe {
                    let payload = at.add(payload);
                    match self {
                        $(Self::$case $(($value))? => {
                            ($at as $tag).store(at);
                            $(<$type as Lent>::lay($value, payload, kept);)?
                        })*
                    }
                }
            }
        }
        impl<$($generic: Value),*> Value for $name {
            #[allow(unused_variables)]
            unsafe fn load(at: *mut u8) -> Self {
                let payload = variant_layout(<$tag>::SIZE, &[$((0 $(+ <$type>::SIZE)?, 1 $(* <$type>::ALIGN)?)),*]).2;
                unsafe {
                    let payload = at.add(payload);
                    match <$tag>::load(at) {
                        $($at => Self::$case $((<$type>::load(payload)))?,)*
                        _ => unreachable!(),
                    }
                }
            }
            #[allow(unused_variables)]
            unsafe fn store(self, at: *mut u8) {
                let payload = variant_layout(<$tag>::SIZE, &[$((0 $(+ <$type>::SIZE)?, 1 $(* <$type>::ALIGN)?)),*]).2;
                unsafe {
                    let payload = at.add(payload);
                    match self {
                        $(Self::$case $(($value))? => {
                            ($at as $tag).store(at);
                            $($value.store(payload);)?
                        })*
                    }
                }
            }
            #[allow(unused_mut, unused_variables)]
            unsafe fn lift(flat: &mut Flat) -> Self {
                let tag = flat.next();
                let mut payload = flat.take(Self::FLAT - 1);
                match tag {
                    $($at => Self::$case $((unsafe { <$type>::lift(&mut payload) }))?,)*
                    _ => unreachable!(),
                }
            }
            #[allow(unused_variables)]
            fn bits(self) -> u64 {
                match self {
                    $(Self::$case $(($value))? => $at,)*
                }
            }
        }
    };
}
variant!([T] Option<T>: u8 { 0 => None, 1 => Some(value: T) });
variant!([T E] Result<T, E>: u8 { 0 => Ok(value: T), 1 => Err(value: E) });

/// Flags, one bit each.
macro_rules! flags {
    ($name:ident: $bits:ty { $($flag:ident = $at:literal),* }) => {
        impl $name {
            $(pub const $flag: Self = Self(1 << $at);)*

            pub const fn empty() -> Self {
                Self(0)
            }
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }
        impl std::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
        impl std::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }
        carried!($name as $bits: |bits| Self(bits), |value| value.0);
        lent_scalar!($name);
    };
}

macro_rules! tuples {
    ($(($($type:ident $at:tt)*))*) => {$(
        impl<$($type: Laid),*> Laid for ($($type,)*) {
            const SIZE: usize = record_layout(&[$((<$type>::SIZE, <$type>::ALIGN)),*]).0;
            const ALIGN: usize = record_layout(&[$((<$type>::SIZE, <$type>::ALIGN)),*]).1;
            const FLAT: usize = 0 $(+ <$type>::FLAT)*;
        }
        impl<$($type: Lent),*> Lent for ($($type,)*) {
            fn lower(&self, slots: &mut Slots, kept: &mut Kept) {
                $(self.$at.lower(slots, kept);)*
            }
            unsafe fn lay(&self, at: *mut u8, kept: &mut Kept) {
                let mut fields = Fields::at(at);
                $(unsafe { self.$at.lay(fields.next::<$type>(), kept) };)*
            }
        }
        impl<$($type: Value),*> Value for ($($type,)*) {
            unsafe fn load(at: *mut u8) -> Self {
                let mut fields = Fields::at(at);
                unsafe { ($(fields.load::<$type>(),)*) }
            }
            unsafe fn store(self, at: *mut u8) {
                let mut fields = Fields::at(at);
                $(unsafe { fields.store(self.$at) };)*
            }
            unsafe fn lift(flat: &mut Flat) -> Self {
                unsafe { ($(<$type>::lift(flat),)*) }
            }
            fn bits(self) -> u64 {
                $(if <$type>::FLAT == 1 {
                    return self.$at.bits();
                })*
                unreachable!()
            }
        }
    )*};
}
tuples!((A 0) (A 0 B 1) (A 0 B 1 C 2) (A 0 B 1 C 2 D 3) (A 0 B 1 C 2 D 3 E 4) (A 0 B 1 C 2 D 3 E 4 F 5));
tuples!((A 0 B 1 C 2 D 3 E 4 F 5 G 6) (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7) (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8));
tuples!((A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9) (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10));
tuples!((A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11));
