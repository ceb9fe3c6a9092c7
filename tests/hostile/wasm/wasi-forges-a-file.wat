;; error: 
(import "wasi:filesystem/types@0.2.0" (instance $types
  (export "descriptor" (type $d (sub resource)))
  (export "[method]descriptor.sync" (func (param "self" (borrow $d)) (result (result))))))
(alias export $types "descriptor" (type $d))
(import "wasi:filesystem/preopens@0.2.0" (instance $preopens
  (alias outer 1 $d (type $d'))
  (export "descriptor" (type $d (eq $d')))
  (export "get-directories" (func (result (list (tuple (own $d) string)))))))
(core func $folders (canon lower (func $preopens "get-directories") (memory $memory) (realloc $realloc)))
(core func $sync (canon lower (func $types "[method]descriptor.sync")))
;; EXPORTS
(export "folders" (func $folders)) (export "sync" (func $sync))
;; CORE
(import "host" "folders" (func $folders (param i32)))
(import "host" "sync" (func $sync (param i32) (result i32)))
(func $check (result i32) (drop (call $sync (i32.const 3))) (i32.const 64))
