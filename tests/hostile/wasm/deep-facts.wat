;; error: its facts are no JSON object
(data (i32.const 1024) "{\"a\":")
(func $check (result i32)
  (memory.fill (i32.const 1029) (i32.const 91) (i32.const 30000))
  (i32.store (i32.const 88) (i32.const 1024)) (i32.store (i32.const 92) (i32.const 30005))
  (i32.const 64))
