;; error: there is no candidate yet
(data (i32.const 1024) "**")
(func $describe (result i32) (call $files (i32.const 1024) (i32.const 2) (i32.const 128)) (i32.const 0))
