;; fail: �]0;owned� �[2J
(data (i32.const 1024) "\1b]0;owned\07 \1b[2J")
(func $check (result i32)
  (i32.store8 (i32.const 68) (i32.const 1))
  (i32.store (i32.const 72) (i32.const 1024)) (i32.store (i32.const 76) (i32.const 15))
  (i32.const 64))
