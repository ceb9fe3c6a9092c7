;; error: it needs more memory than it may use
(memory $own 60000)
