;; Attacks: the stack of a component ends before that of the program. This is the stack of WebAssembly itself, which
;; nothing in memory shows; what Rust keeps in memory is the matter of `recursion.rs`.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "regcarve:plugin/decide@0.1.0#describe") (result i32) (unreachable))
  (func $deeper (param i32) (result i32)
    (i32.add (i32.const 1) (call $deeper (i32.add (local.get 0) (i32.const 1)))))
  (func (export "regcarve:plugin/decide@0.1.0#configure") (param i32 i32) (result i32)
    (call $deeper (i32.const 0)))
  (func (export "regcarve:plugin/decide@0.1.0#decide") (param i32 i32 i32 i32) (result i32) (unreachable))
)
