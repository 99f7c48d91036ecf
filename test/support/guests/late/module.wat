(module
  (import "wasi:cli/stderr@0.2.12" "get-stderr" (func $stderr (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $alarm (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))

  (memory (export "memory") 1)
  (data (i32.const 64) "after the end\n")
  (global $count (mut i32) (i32.const 0))

  (func (export "wait-and-write")
    (local $log i32)
    (local.set $log (call $stderr))
    (block $ended
      (try_table (catch_all $ended)
        (call $block (call $alarm (i64.const 3600000000000)))))
    (call $write (local.get $log) (i32.const 64) (i32.const 14) (i32.const 1024)))

  (func (export "write-and-spin")
    (call $write (call $stderr) (i32.const 64) (i32.const 14) (i32.const 1024))
    (loop $on (br $on)))

  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048)))
