;; error: it is a core WASM module, and no component
(module (func (export "check")))
