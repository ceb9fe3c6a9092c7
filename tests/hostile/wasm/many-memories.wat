;; error: it needs more memory than it may use
(memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60) (memory 60)
