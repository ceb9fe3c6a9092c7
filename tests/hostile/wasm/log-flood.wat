;; pass: 
(func $check (result i32) (local $n i32)
  (loop $l (call $info (i32.const 1024) (i32.const 1000))
    (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))
  (i32.const 64))
