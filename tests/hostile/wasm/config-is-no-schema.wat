;; error: its config schema is no JSON Schema
(data (i32.const 1024) "{\"a\":{\"type\":7}}")
(func $describe (result i32) (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 16)) (i32.const 0))
