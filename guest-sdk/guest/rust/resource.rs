// Resources that a world imports; a part of the crate that is generated for a world.

/// Stands for the handle of a resource that was given away.
pub const GIVEN: u32 = u32::MAX;

/// A resource by its handle, which `$drop` gives back when nobody has it any longer.
macro_rules! resource {
    ($name:ident: $drop:path) => {
        #[derive(Debug)]
        pub struct $name(std::sync::atomic::AtomicU32);

        impl $name {
            fn give(&self) -> u32 {
                self.0.swap(resource::GIVEN, std::sync::atomic::Ordering::Relaxed)
            }
        }
        impl Drop for $name {
            fn drop(&mut self) {
                let handle = self.give();
                if handle != resource::GIVEN {
                    unsafe { $drop(handle) }
                }
            }
        }
        impl Laid for $name {
            const SIZE: usize = 4;
            const ALIGN: usize = 4;
            const FLAT: usize = 1;
        }
        impl Value for $name {
            unsafe fn load(at: *mut u8) -> Self {
                unsafe { Self(u32::load(at).into()) }
            }
            unsafe fn store(self, at: *mut u8) {
                unsafe { self.give().store(at) }
            }
            unsafe fn lift(flat: &mut Flat) -> Self {
                unsafe { Self(u32::lift(flat).into()) }
            }
            fn bits(self) -> u64 {
                self.give() as u64
            }
        }
        impl Lent for $name {
            fn lower(&self, slots: &mut Slots, _: &mut Kept) {
                slots.push(self.give() as u64);
            }
            unsafe fn lay(&self, at: *mut u8, _: &mut Kept) {
                unsafe { self.give().store(at) }
            }
            fn lower_lent(&self, slots: &mut Slots, kept: &mut Kept) {
                self.0.load(std::sync::atomic::Ordering::Relaxed).lower(slots, kept);
            }
            unsafe fn lay_lent(&self, at: *mut u8, kept: &mut Kept) {
                unsafe { self.0.load(std::sync::atomic::Ordering::Relaxed).lay(at, kept) }
            }
        }
    };
}
