;; error: it crashed: out of bounds memory access
(func $check (result i32) (i32.load (i32.const 0x7fffffff)))
