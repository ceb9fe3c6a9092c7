;; error: it hands over more at once than it has memory
(func $check (result i32) (local $n i32)
  (drop (memory.grow (i32.const 120)))
  (i32.store (i32.const 80) (i32.const 65536)) (i32.store (i32.const 84) (i32.const 10000))
  (loop $l
    (i32.store (i32.add (i32.const 65536) (i32.mul (local.get $n) (i32.const 40))) (i32.const 1000000))
    (i32.store (i32.add (i32.const 65540) (i32.mul (local.get $n) (i32.const 40))) (i32.const 6000000))
    (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))
  (i32.const 64))
