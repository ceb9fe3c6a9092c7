;; error: it does not fit the world of gates
(component
  (import "lex-pr:gate/log@1.0.0" (instance (export "info" (func (param "message" u32)))))
  (core module $m (func (export "f") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $f (result s32) (canon lift (core func $i "f")))
  (export "describe" (func $f))
  (export "check" (func $f)))
