;; error: it panicked
(start $s) (func $s unreachable)
