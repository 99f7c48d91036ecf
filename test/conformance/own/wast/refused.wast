;; What is not valid, and what is not even WebAssembly.

(assert_invalid (component (export "f" (func 0))) "unknown func")
(assert_invalid
  (component
    (core module $m (func (export "f") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "f") (result string) (canon lift (core func $i "f"))))
  "canonical option `memory` is required")
(assert_invalid
  (component
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func (export "f") (param "a" u32) (canon lift (core func $i "f"))))
  "does not match")
(assert_invalid (component (type (record))) "record type must have at least one field")
(assert_invalid (component (core module (func (result i32)))) "type mismatch")
(assert_invalid (module (func (export "a")) (func (export "a"))) "duplicate export")
(assert_malformed (component quote "(func $x") "expected")
(assert_malformed (component quote "(component (unheard-of))") "unexpected token")
(assert_malformed (component binary "\00asm\0d\00\01\00\ff") "unexpected end")
(assert_malformed (module binary "\00as") "unexpected end")
(; A block comment (; in another ;) is white space. ;)
(component binary "\00asm" "\0d\00\01\00")
