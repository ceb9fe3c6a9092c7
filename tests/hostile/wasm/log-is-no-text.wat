;; error: 
(data (i32.const 1024) "\ff\fe")
(func $check (result i32) (call $info (i32.const 1024) (i32.const 2)) (i32.const 64))
