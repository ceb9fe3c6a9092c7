;; error: it needs more memory than it may use
(table $t 9000000 funcref)
