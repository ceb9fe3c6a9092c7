;; error: timed out after 200 ms
(start $s) (func $s (loop $l (br $l)))
