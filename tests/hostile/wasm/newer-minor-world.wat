;; error: it is made for lex-pr:gate@1.7.0, and this is lex-pr:gate@1.0.0
(component (import "lex-pr:gate/log@1.7.0" (instance (export "debug" (func (param "message" string))))))
