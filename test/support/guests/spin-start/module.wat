;; Its start function never ends: not even instantiation comes back.
(module
  (func $forever (loop $again (br $again)))
  (func (export "run"))
  (start $forever)
)
