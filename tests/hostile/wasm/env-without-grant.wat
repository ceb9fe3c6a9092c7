;; pass: `env:HOME` is not granted
(data (i32.const 1024) "HOME")
(func $check (result i32)
  (call $env (i32.const 1024) (i32.const 4) (i32.const 128))
  ;; Fails where it got an answer, and says what it was told where it got none.
  (if (i32.load8_u (i32.const 128))
    (then (i32.store (i32.const 72) (i32.load (i32.const 132))) (i32.store (i32.const 76) (i32.load (i32.const 136))))
    (else (i32.store8 (i32.const 68) (i32.const 1))))
  (i32.const 64))
