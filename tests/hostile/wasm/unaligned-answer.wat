;; error: 
(func $check (result i32) (i32.const 65))
