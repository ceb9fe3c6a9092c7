;; error: no �[1midea
(data (i32.const 1024) "no \1b[1midea")
(func $check (result i32)
  (i32.store8 (i32.const 64) (i32.const 1))
  (i32.store (i32.const 68) (i32.const 1024)) (i32.store (i32.const 72) (i32.const 11))
  (i32.const 64))
