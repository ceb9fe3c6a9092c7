;; pass: 
(import "wasi:random/random@0.2.0" (instance $random
  (export "get-random-bytes" (func (param "len" u64) (result (list u8))))
  (export "get-random-u64" (func (result u64)))))
(core func $bytes (canon lower (func $random "get-random-bytes") (memory $memory) (realloc $realloc)))
(core func $number (canon lower (func $random "get-random-u64")))
;; EXPORTS
(export "bytes" (func $bytes)) (export "number" (func $number))
;; CORE
(import "host" "bytes" (func $bytes (param i64 i32)))
(import "host" "number" (func $number (result i64)))
(func $check (result i32)
  (i32.store8 (i32.const 68) (i64.ne (call $number) (i64.const 0xe220a8397b1dcdaf)))
  (i32.const 64))
