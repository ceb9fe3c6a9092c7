;; error: it panicked
(func $check (result i32) unreachable)
