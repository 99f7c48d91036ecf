;; An asynchronous function of a component that asks nothing of its host.
(component
  (core module $m
    (import "" "return" (func $return (param i32)))
    (func (export "seven") (result i32) (call $return (i32.const 7)) (i32.const 0 (; EXIT ;)))
    ;; Gives way once, and returns then.
    (func (export "later") (result i32) (i32.const 1 (; YIELD ;)))
    (func (export "later-cb") (param i32 i32 i32) (result i32) (call $return (i32.const 8)) (i32.const 0 (; EXIT ;)))
    (func (export "traps") (result i32) unreachable)
    (func (export "none") (param i32 i32 i32) (result i32) unreachable))
  (canon task.return (result u32) (core func $return))
  (core instance $i (instantiate $m (with "" (instance (export "return" (func $return))))))
  (func (export "seven") async (result u32)
    (canon lift (core func $i "seven") async (callback (core func $i "none"))))
  (func (export "later") async (result u32)
    (canon lift (core func $i "later") async (callback (core func $i "later-cb"))))
  (func (export "traps") async (result u32)
    (canon lift (core func $i "traps") async (callback (core func $i "none")))))
(assert_return (invoke "seven") (u32.const 7))
(assert_return (invoke "later") (u32.const 8))
(assert_return (invoke "seven") (u32.const 7))
(assert_trap (invoke "traps") "unreachable")
(assert_trap (invoke "seven") "cannot enter component instance")

(assert_invalid (component (type (stream char))) "`stream<char>` is not valid")
(assert_invalid (component (type $c char) (type (stream $c))) "`stream<char>` is not valid")
