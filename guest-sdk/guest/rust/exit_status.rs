// Linked into every command with --wrap=__wasi_proc_exit: gives the exact exit status to the host.
// The adapter from WASI 0.1 alone only says whether it was 0.
#![no_std]

#[link(wasm_import_module = "wasi:cli/exit@0.2.12")]
unsafe extern "C" {
    #[link_name = "exit-with-code"]
    fn exit_with_code(status: i32);
}

#[unsafe(no_mangle)]
extern "C" fn __wrap___wasi_proc_exit(status: u32) -> ! {
    unsafe { exit_with_code((status & 0xff) as i32) };
    core::arch::wasm32::unreachable()
}
