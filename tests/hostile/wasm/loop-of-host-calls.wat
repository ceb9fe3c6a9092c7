;; error: timed out after 500 ms
(data (i32.const 1024) "**")
(func $check (result i32) (loop $l (call $info (i32.const 1024) (i32.const 2)) (br $l)) (i32.const 64))
