;; error: 
(data (i32.const 1024) "\ff\fe")
(func $check (result i32)
  (i32.store (i32.const 72) (i32.const 1024)) (i32.store (i32.const 76) (i32.const 2))
  (i32.const 64))
