;; error: it hands over more at once than it has memory
(func $check (result i32)
  (drop (memory.grow (i32.const 240)))
  (i32.store (i32.const 80) (i32.const 65536)) (i32.store (i32.const 84) (i32.const 380000))
  (i32.const 64))
