;; error: it needs more memory than it may use
(func $check (result i32) (loop $l (drop (memory.grow (i32.const 16))) (br $l)) (i32.const 64))
