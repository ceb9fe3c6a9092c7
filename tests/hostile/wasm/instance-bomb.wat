;; error: it is made of more parts than a gate may have
(component $a (core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)) (core instance (instantiate $m))
    (core instance (instantiate $m)) (core instance (instantiate $m)) (core instance (instantiate $m)) (core instance (instantiate $m)))
  (component $b (alias outer 1 $a (component $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)))
  (component $c (alias outer 1 $b (component $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)))
  (component $d (alias outer 1 $c (component $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)) (instance (instantiate $x)))
  (instance (instantiate $d))
;; EXPORTS

;; CORE
(func $check (result i32) (i32.const 64))
