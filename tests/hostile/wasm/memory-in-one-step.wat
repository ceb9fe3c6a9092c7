;; error: it needs more memory than it may use
(func $check (result i32) (drop (memory.grow (i32.const 60000))) (i32.const 64))
