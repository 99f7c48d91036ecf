// Linked into a command that has a world too, in place of the libc's start: what is global is constructed once, when the instance
// begins, and not anew around each export.
#![no_std]

unsafe extern "C" {
    fn __main_void() -> i32;
    fn exit(status: i32) -> !;
}

#[unsafe(export_name = "_start")]
extern "C" fn cloudlet_start() -> ! {
    unsafe { exit(__main_void()) }
}
