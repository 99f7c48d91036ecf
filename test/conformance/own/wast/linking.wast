;; Components that are linked: within one, and by the names under which a script registers instances.

(component $adder
  (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "add-up") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))
(assert_return (invoke "add-up" (u32.const 2) (u32.const 3)) (u32.const 5))
(register "own:math/adder" $adder)

(component $twice
  (import "own:math/adder" (instance $adder
    (export "add-up" (func (param "a" u32) (param "b" u32) (result u32)))))
  (core func $add (canon lower (func $adder "add-up")))
  (core module $m
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (func (export "twice") (param i32) (result i32) (call $add (local.get 0) (local.get 0))))
  (core instance $i (instantiate $m (with "host" (instance (export "add" (func $add))))))
  (func (export "twice") (param "a" u32) (result u32) (canon lift (core func $i "twice"))))
(assert_return (invoke "twice" (u32.const 21)) (u32.const 42))
(assert_return (invoke $adder "add-up" (u32.const 1) (u32.const 1)) (u32.const 2))

(assert_unlinkable
  (component (import "own:math/nobody" (instance (export "f" (func)))))
  "nobody")

;; One component within another.
(component
  (component $inner
    (core module $m (func (export "seven") (result i32) (i32.const 7)))
    (core instance $i (instantiate $m))
    (func (export "seven") (result u32) (canon lift (core func $i "seven"))))
  (instance $a (instantiate $inner))
  (func (export "seven") (alias export $a "seven")))
(assert_return (invoke "seven") (u32.const 7))

;; Core modules link as well.
(module $numbers (func (export "nine") (result i32) (i32.const 9)))
(register "numbers" $numbers)
(module (import "numbers" "nine" (func $nine (result i32))) (func (export "ten") (result i32) (i32.add (call $nine) (i32.const 1))))
(assert_return (invoke "ten") (i32.const 10))
(assert_unlinkable (module (import "numbers" "eleven" (func))) "unknown import")
