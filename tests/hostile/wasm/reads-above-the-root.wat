;; pass: 
(data (i32.const 1024) "../../../../../etc/passwd")
(func $check (result i32)
  (call $read (i32.const 1024) (i32.const 25) (i32.const 128))
  (i32.store8 (i32.const 68) (i32.load8_u (i32.const 128)))
  (i32.const 64))
