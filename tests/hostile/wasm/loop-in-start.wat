;; error: timed out after 500 ms
(start $s) (func $s (loop $l (br $l)))
