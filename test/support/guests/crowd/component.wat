;; One core module, instantiated four times: what a limit of each memory would not hold.
(component
  (core module $greedy
    (memory 1)
    (table 1 funcref)
    (func (export "memory") (param i32) (result i32)
      (loop $on (br_if $on (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
      ;; Written to, so that it is not only asked for.
      (memory.fill (i32.const 0) (i32.const 7) (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)))
      (i32.add (local.get 0) (memory.size)))
    (func (export "table") (param i32) (result i32)
      (loop $on (br_if $on (i32.ge_s (table.grow (ref.null func) (i32.const 1000)) (i32.const 0))))
      (i32.add (local.get 0) (table.size))))
  (core module $all
    (import "a" "memory" (func $am (param i32) (result i32)))
    (import "b" "memory" (func $bm (param i32) (result i32)))
    (import "c" "memory" (func $cm (param i32) (result i32)))
    (import "d" "memory" (func $dm (param i32) (result i32)))
    (import "a" "table" (func $at (param i32) (result i32)))
    (import "b" "table" (func $bt (param i32) (result i32)))
    (import "c" "table" (func $ct (param i32) (result i32)))
    (import "d" "table" (func $dt (param i32) (result i32)))
    (func (export "memory") (result i32)
      (call $dm (call $cm (call $bm (call $am (i32.const 0))))))
    (func (export "table") (result i32)
      (call $dt (call $ct (call $bt (call $at (i32.const 0)))))))
  (core instance $a (instantiate $greedy))
  (core instance $b (instantiate $greedy))
  (core instance $c (instantiate $greedy))
  (core instance $d (instantiate $greedy))
  (core instance $i (instantiate $all
    (with "a" (instance $a)) (with "b" (instance $b)) (with "c" (instance $c)) (with "d" (instance $d))))
  (func (export "grow-memories") (result u32) (canon lift (core func $i "memory")))
  (func (export "grow-tables") (result u32) (canon lift (core func $i "table"))))
