(module
  (table $t 2 funcref)
  (elem declare func $leave)
  (func $leave (export "leave") (result i32)
    (table.set $t (i32.const 1) (ref.func $leave))
    (i32.const 1))
  (func (export "find") (result i32)
    (i32.eqz (ref.is_null (table.get $t (i32.const 1))))))
