;; error: its facts are
(data (i32.const 1024) "{\"a\":\"")
(func $check (result i32)
  (memory.fill (i32.const 1030) (i32.const 120) (i32.const 30000))
  (i32.store16 (i32.const 31030) (i32.const 0x7d22))
  (i32.store (i32.const 88) (i32.const 1024)) (i32.store (i32.const 92) (i32.const 30008))
  (i32.const 64))
