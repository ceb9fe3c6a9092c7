;; pass: 
(func $check (result i32)
  (drop (memory.grow (i32.const 160)))
  (memory.fill (i32.const 1024) (i32.const 120) (i32.const 10000000))
  (call $info (i32.const 1024) (i32.const 10000000))
  (i32.const 64))
