;; pass: 
(import "wasi:cli/environment@0.2.6" (instance $environment
  (export "get-environment" (func (result (list (tuple string string)))))
  (export "get-arguments" (func (result (list string))))
  (export "initial-cwd" (func (result (option string))))))
(core func $environment (canon lower (func $environment "get-environment") (memory $memory) (realloc $realloc)))
(core func $arguments (canon lower (func $environment "get-arguments") (memory $memory) (realloc $realloc)))
(core func $cwd (canon lower (func $environment "initial-cwd") (memory $memory) (realloc $realloc)))
;; EXPORTS
(export "environment" (func $environment)) (export "arguments" (func $arguments)) (export "cwd" (func $cwd))
;; CORE
(import "host" "environment" (func $environment (param i32)))
(import "host" "arguments" (func $arguments (param i32)))
(import "host" "cwd" (func $cwd (param i32)))
(func $check (result i32)
  (call $environment (i32.const 128)) (call $arguments (i32.const 136)) (call $cwd (i32.const 144))
  (i32.store8 (i32.const 68)
    (i32.ne (i32.const 0) (i32.or (i32.load8_u (i32.const 144)) (i32.or (i32.load (i32.const 132)) (i32.load (i32.const 140))))))
  (i32.const 64))
