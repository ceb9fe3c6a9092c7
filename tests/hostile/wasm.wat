;; What the core modules in wasm/ are put into: a component of the world `gate`, with memory and allocator in a module of
;; their own. A manifest of nothing lies at 0, a pass without words at 64.
(component
  (import "lex-pr:gate/log@1.0.0" (instance $log (export "info" (func (param "message" string)))))
  (import "lex-pr:gate/granted@1.0.0" (instance $granted
    (export "env" (func (param "name" string) (result (result (option string) (error string)))))
    (export "now" (func (result (result u64 (error string)))))))
  (import "lex-pr:gate/candidate@1.0.0" (instance $candidate
    (export "files" (func (param "glob" string) (result (list string))))
    (export "read" (func (param "path" string) (result (option (list u8)))))))
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 32768))
    (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (loop $more
        (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
          (then (drop (memory.grow (i32.const 16))) (br $more))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $realloc (alias core export $libc "realloc"))
  (core func $info (canon lower (func $log "info") (memory $memory)))
  (core func $env (canon lower (func $granted "env") (memory $memory) (realloc $realloc)))
  (core func $now (canon lower (func $granted "now") (memory $memory) (realloc $realloc)))
  (core func $files (canon lower (func $candidate "files") (memory $memory) (realloc $realloc)))
  (core func $read (canon lower (func $candidate "read") (memory $memory) (realloc $realloc)))
  ;; WASI
  (core module $gate
    (import "libc" "memory" (memory 1))
    (import "host" "info" (func $info (param i32 i32)))
    (import "host" "env" (func $env (param i32 i32 i32)))
    (import "host" "now" (func $now (param i32)))
    (import "host" "files" (func $files (param i32 i32 i32)))
    (import "host" "read" (func $read (param i32 i32 i32)))
    ;; CORE
    (export "describe" (func $describe))
    (export "check" (func $check)))
  (core instance $gate (instantiate $gate (with "libc" (instance $libc)) (with "host" (instance
    (export "info" (func $info))
    (export "env" (func $env))
    (export "now" (func $now))
    (export "files" (func $files))
    (export "read" (func $read))
    ;; EXPORTS
  ))))
  (type $answer' (enum "pass" "fail" "warn" "skip"))
  (export $answer "answer" (type $answer'))
  (type $severity' (enum "error" "warning" "notice"))
  (export $severity "severity" (type $severity'))
  (type $annotation' (record
    (field "path" string) (field "line" (option u32)) (field "severity" $severity) (field "message" string)
    (field "replacement" (option string))))
  (export $annotation "annotation" (type $annotation'))
  (type $verdict' (record
    (field "answer" $answer) (field "summary" string) (field "annotations" (list $annotation)) (field "facts" string)))
  (export $verdict "verdict" (type $verdict'))
  (type $manifest' (record
    (field "description" string) (field "capabilities" (list string)) (field "config" string) (field "needs" (list string))))
  (export $manifest "manifest" (type $manifest'))
  (func $describe (result $manifest)
    (canon lift (core func $gate "describe") (memory $memory) (realloc $realloc)))
  (export "describe" (func $describe))
  (func $check (result (result $verdict (error string)))
    (canon lift (core func $gate "check") (memory $memory) (realloc $realloc)))
  (export "check" (func $check)))
