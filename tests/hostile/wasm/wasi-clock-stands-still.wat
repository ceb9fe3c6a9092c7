;; pass: 
(import "wasi:clocks/wall-clock@0.2.3" (instance $clock
  (type $t' (record (field "seconds" u64) (field "nanoseconds" u32)))
  (export "datetime" (type $t (eq $t')))
  (export "now" (func (result $t)))))
(core func $time (canon lower (func $clock "now") (memory $memory)))
;; EXPORTS
(export "time" (func $time))
;; CORE
(import "host" "time" (func $time (param i32)))
(func $check (result i32)
  (call $time (i32.const 128))
  (i32.store8 (i32.const 68) (i32.or (i64.ne (i64.load (i32.const 128)) (i64.const 0)) (i32.ne (i32.load (i32.const 136)) (i32.const 0))))
  (i32.const 64))
