;; error: it panicked: all is lost
(import "wasi:io/streams@0.2.0" (instance $streams
  (export "output-stream" (type $s (sub resource)))
  (export "error" (type $e (sub resource)))
  (type $x' (variant (case "last-operation-failed" (own $e)) (case "closed")))
  (export "stream-error" (type $x (eq $x')))
  (export "[method]output-stream.blocking-write-and-flush"
    (func (param "self" (borrow $s)) (param "contents" (list u8)) (result (result (error $x)))))))
(alias export $streams "output-stream" (type $s))
(import "wasi:cli/stderr@0.2.0" (instance $stderr
  (alias outer 1 $s (type $s'))
  (export "output-stream" (type $s (eq $s')))
  (export "get-stderr" (func (result (own $s))))))
(core func $stderr (canon lower (func $stderr "get-stderr")))
(core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $memory)))
;; EXPORTS
(export "stderr" (func $stderr)) (export "write" (func $write))
;; CORE
(import "host" "stderr" (func $stderr (result i32)))
(import "host" "write" (func $write (param i32 i32 i32 i32)))
(data (i32.const 1024) "thread panicked\nall is lost\n")
(func $check (result i32)
  (call $write (call $stderr) (i32.const 1024) (i32.const 28) (i32.const 128))
  unreachable)
