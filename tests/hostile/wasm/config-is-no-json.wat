;; error: its config is no JSON object
(data (i32.const 1024) "{{")
(func $describe (result i32) (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 2)) (i32.const 0))
