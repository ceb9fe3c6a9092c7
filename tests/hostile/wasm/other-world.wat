;; error: it is made for lex-pr:gate@2.0.0, and this is lex-pr:gate@1.0.0
(component (import "lex-pr:gate/log@2.0.0" (instance (export "info" (func (param "message" string))))))
