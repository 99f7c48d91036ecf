(module
  (import "wasi:cli/stdout@0.2.12" "get-stdout" (func $stdout (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $alarm (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))

  ;; Neither is exported: whoever cleans up has to find them.
  (memory $m 3)
  (data (i32.const 64) "as it was")
  (global $i32 (mut i32) (i32.const 7))
  (global $i64 (mut i64) (i64.const -7))
  (global $f32 (mut f32) (f32.const 0.5))
  (global $f64 (mut f64) (f64.const -0))

  (func $leave (export "leave") (result i32)
    (drop (memory.grow (i32.const 2)))
    (call $leave_small))

  (func $leave_small (export "leave-small") (result i32)
    (local $at i32)
    (global.set $i32 (i32.const 0x5eed))
    (global.set $i64 (i64.const 0x5eed))
    (global.set $f32 (f32.const 1.5))
    (global.set $f64 (f64.const 0))
    (i32.store8 (i32.const 64) (i32.const 0x21))
    ;; Every 1021st byte, a prime, up to the end.
    (local.set $at (i32.const 1021))
    (loop $next
      (i32.store8 (local.get $at) (i32.const 0xa5))
      (local.set $at (i32.add (local.get $at) (i32.const 1021)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))
    (call $stdout))

  (func (export "leave-and-wait")
    (drop (call $leave))
    (call $block (call $alarm (i64.const 3600000000000))))

  (func (export "leave-and-trap")
    (drop (call $leave))
    unreachable)

  (func (export "find") (result i32)
    (local $found i32) (local $at i32) (local $sum i32)
    (if (i32.ne (global.get $i32) (i32.const 7)) (then (local.set $found (i32.or (local.get $found) (i32.const 1)))))
    (if (i64.ne (global.get $i64) (i64.const -7)) (then (local.set $found (i32.or (local.get $found) (i32.const 2)))))
    (if (f32.ne (global.get $f32) (f32.const 0.5)) (then (local.set $found (i32.or (local.get $found) (i32.const 4)))))
    (if (i64.ne (i64.reinterpret_f64 (global.get $f64)) (i64.const 0x8000000000000000))
      (then (local.set $found (i32.or (local.get $found) (i32.const 8)))))
    (if (i32.ne (i32.load8_u (i32.const 64)) (i32.const 0x61)) ;; "a"
      (then (local.set $found (i32.or (local.get $found) (i32.const 16)))))
    (local.set $at (i32.const 128))
    (loop $next
      (local.set $sum (i32.or (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (i32.shl (memory.size) (i32.const 16)))))
    (if (local.get $sum) (then (local.set $found (i32.or (local.get $found) (i32.const 32)))))
    (if (i32.ne (memory.size) (i32.const 3)) (then (local.set $found (i32.or (local.get $found) (i32.const 64)))))
    (local.get $found))

  (func (export "random") (result i64) (call $random)))
