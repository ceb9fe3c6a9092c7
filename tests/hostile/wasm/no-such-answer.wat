;; error: 
(func $check (result i32) (i32.store8 (i32.const 68) (i32.const 9)) (i32.const 64))
