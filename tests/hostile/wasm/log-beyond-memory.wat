;; error: 
(func $check (result i32) (call $info (i32.const 1024) (i32.const 0x7fffffff)) (i32.const 64))
