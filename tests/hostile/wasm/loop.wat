;; error: timed out after 500 ms
(func $check (result i32) (loop $l (br $l)) (i32.const 64))
