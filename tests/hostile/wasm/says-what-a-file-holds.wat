;; pass: one two three
(data (i32.const 1024) "base.txt")
(func $check (result i32)
  (call $read (i32.const 1024) (i32.const 8) (i32.const 128))
  (if (i32.load8_u (i32.const 128))
    (then (i32.store (i32.const 72) (i32.load (i32.const 132))) (i32.store (i32.const 76) (i32.load (i32.const 136))))
    (else (i32.store8 (i32.const 68) (i32.const 1))))
  (i32.const 64))
