;; error: its facts are no JSON object
(data (i32.const 1024) "[1]")
(func $check (result i32) (i32.store (i32.const 88) (i32.const 1024)) (i32.store (i32.const 92) (i32.const 3)) (i32.const 64))
