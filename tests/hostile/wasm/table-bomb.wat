;; error: it needs more memory than it may use
(table $t 1 funcref)
(func $check (result i32) (loop $l (drop (table.grow $t (ref.null func) (i32.const 100000))) (br $l)) (i32.const 64))
