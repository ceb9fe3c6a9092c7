;; pass: `clock` is not granted
(func $check (result i32)
  (call $now (i32.const 128))
  ;; Fails where it got an answer, and says what it was told where it got none.
  (if (i32.load8_u (i32.const 128))
    (then (i32.store (i32.const 72) (i32.load (i32.const 136))) (i32.store (i32.const 76) (i32.load (i32.const 140))))
    (else (i32.store8 (i32.const 68) (i32.const 1))))
  (i32.const 64))
