;; pass: 
(global $count (mut i32) (i32.const 0))
(func $describe (result i32) (global.set $count (i32.const 1)) (i32.store (i32.const 2048) (i32.const 1)) (i32.const 0))
(func $check (result i32)
  (i32.store8 (i32.const 68) (i32.or (global.get $count) (i32.load (i32.const 2048))))
  (global.set $count (i32.const 1)) (i32.store (i32.const 2048) (i32.const 1))
  (i32.const 64))
