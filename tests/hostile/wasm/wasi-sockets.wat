;; error: it calls `wasi:sockets/tcp-create-socket#create-tcp-socket`, which a gate does not have
(import "wasi:sockets/tcp-create-socket@0.2.0" (instance $sockets
  (export "tcp-socket" (type $s (sub resource)))
  (export "create-tcp-socket" (func (param "address-family" u8) (result (result (own $s)))))))
(core func $socket (canon lower (func $sockets "create-tcp-socket") (memory $memory)))
;; EXPORTS
(export "socket" (func $socket))
;; CORE
(import "host" "socket" (func $socket (param i32 i32)))
(func $check (result i32) (call $socket (i32.const 0) (i32.const 128)) (i32.const 64))
