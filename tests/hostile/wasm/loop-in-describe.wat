;; error: timed out after 500 ms
(func $describe (result i32) (loop $l (br $l)) (i32.const 0))
