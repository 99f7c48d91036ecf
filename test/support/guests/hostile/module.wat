(module
  (import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.12" "subscribe-duration" (func $alarm (param i64) (result i32)))
  (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.12" "poll" (func $poll (param i32 i32 i32)))
  (import "wasi:random/random@0.2.12" "get-random-bytes" (func $random (param i64 i32)))
  (import "wasi:random/insecure-seed@0.2.12" "insecure-seed" (func $seed (param i32)))
  (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.12" "[static]fields.from-list" (func $fields_of (param i32 i32 i32)))
  (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "[export]test:hostile/things" "[resource-new]thing" (func $new (param i32) (result i32)))
  (import "[export]test:hostile/things" "[resource-drop]thing" (func $drop (param i32)))

  ;; Results are written from 16 on; what the host allocates lies from 65536 on, always at the same place.
  (memory $a (export "memory") 18)
  (table $t 1 funcref)
  (data (i32.const 64) "x-name")
  (data (i32.const 80) "a value")
  (global $count (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))

  (func (export "test:hostile/things#[dtor]thing") (param i32) (loop $on (br $on)))
  (func (export "test:hostile/things#drop-one") (call $drop (call $new (i32.const 1))))

  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))

  (func (export "post-return") (result i32)
    (i32.store (i32.const 16) (i32.const 80))
    (i32.store (i32.const 20) (i32.const 7))
    (i32.const 16))
  (func (export "cabi_post_post-return") (param i32) (loop $on (br $on)))

  (func (export "compute") (loop $on (br $on)))

  (func (export "draw")
    (loop $on
      (call $random (i64.const 1048576) (i32.const 16))
      (br $on)))

  (func (export "wait") (param $ms i64)
    (call $block (call $alarm (i64.mul (local.get $ms) (i64.const 1000000)))))

  (func (export "grow-table") (result i32)
    (loop $on
      (br_if $on (i32.ge_s (table.grow $t (ref.null func) (i32.const 10000)) (i32.const 0))))
    (table.size $t))

  (func $take (param $count i32) (param $ns i64)
    (local $at i32)
    (loop $next
      (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $at) (i32.const 2))) (call $alarm (local.get $ns)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $count)))))

  (func (export "handles") (param $count i32) (result i32)
    (local $at i32)
    (loop $next
      (drop (call $alarm (i64.const 3600000000000)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $count))))
    (local.get $at))

  (func (export "timers") (param $count i32) (result i32)
    (call $take (local.get $count) (i64.const 3600000000000))
    (i32.store (i32.const 131072) (call $alarm (i64.const 1000000)))
    (call $poll (i32.const 131072) (local.get $count) (i32.const 16))
    (i32.load (i32.const 20)))

  (func (export "poll-many") (param $count i32) (result i32)
    (local $at i32) (local $handle i32)
    (local.set $handle (call $alarm (i64.const 0)))
    ;; Room for a list of a million.
    (drop (memory.grow $a (i32.const 70)))
    (loop $next
      (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $at) (i32.const 2))) (local.get $handle))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $count))))
    (call $poll (i32.const 131072) (local.get $count) (i32.const 16))
    (i32.load (i32.const 20)))

  (func (export "random-bytes") (param $bytes i64) (result i32)
    (call $random (local.get $bytes) (i32.const 16))
    (i32.load (i32.const 20)))

  (func (export "append-fields") (param $count i32) (result i32)
    (local $at i32) (local $handle i32) (local $taken i32)
    (local.set $handle (call $fields))
    (loop $next
      (call $append (local.get $handle) (i32.const 64) (i32.const 6) (i32.const 80) (i32.const 7) (i32.const 16))
      (local.set $taken (i32.add (local.get $taken) (i32.eqz (i32.load8_u (i32.const 16)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $count))))
    (local.get $taken))

  (func (export "list-fields") (param $count i32) (result i32)
    (local $at i32) (local $to i32)
    (drop (memory.grow $a (i32.const 300)))
    (loop $next
      (local.set $to (i32.add (i32.const 131072) (i32.shl (local.get $at) (i32.const 4))))
      (i32.store (local.get $to) (i32.const 64))
      (i32.store offset=4 (local.get $to) (i32.const 6))
      (i32.store offset=8 (local.get $to) (i32.const 80))
      (i32.store offset=12 (local.get $to) (i32.const 7))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $count))))
    (call $fields_of (i32.const 131072) (local.get $count) (i32.const 16))
    (i32.eqz (i32.load8_u (i32.const 16))))

  (func (export "hoard-fields") (param $count i32) (result i32)
    (local $at i32)
    (memory.fill (i32.const 131072) (i32.const 97) (i32.const 60000))
    (i32.store (i32.const 32) (i32.const 64))
    (i32.store (i32.const 36) (i32.const 6))
    (i32.store (i32.const 40) (i32.const 131072))
    (i32.store (i32.const 44) (i32.const 60000))
    (loop $next
      (call $fields_of (i32.const 32) (i32.const 1) (i32.const 16))
      (local.set $at (i32.add (local.get $at) (i32.eqz (i32.load8_u (i32.const 16)))))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br_if $next (local.get $count)))
    (local.get $at))

  ;; A list at 131072, where everything is zero: as much of it as the memory can be grown to.
  (func $zeros (param $count i32) (result i32)
    (drop (memory.grow $a (i32.const 900)))
    (i32.store (i32.const 16) (i32.const 131072))
    (i32.store (i32.const 20) (local.get $count))
    (i32.const 16))
  (func (export "bytes") (param $count i32) (result i32) (call $zeros (local.get $count)))
  (func (export "booleans") (param $count i32) (result i32) (call $zeros (local.get $count)))
  (func (export "pairs") (param $count i32) (result i32) (call $zeros (local.get $count)))
  (func (export "texts") (param $count i32) (result i32) (call $zeros (local.get $count)))
  (func (export "byte-lists") (param $count i32) (result i32) (call $zeros (local.get $count)))

  (func (export "seed") (result i32)
    (call $seed (i32.const 16))
    (i32.const 16))

  (func (export "watch-clock") (param $ns i64) (result i32)
    (local $first i64) (local $last i64) (local $now i64) (local $back i32)
    (local.set $first (call $now))
    (local.set $last (local.get $first))
    (loop $next
      (local.set $now (call $now))
      (local.set $back (i32.add (local.get $back) (i64.lt_u (local.get $now) (local.get $last))))
      (local.set $last (local.get $now))
      (br_if $next (i64.lt_u (i64.sub (local.get $now) (local.get $first)) (local.get $ns))))
    (local.get $back)))
