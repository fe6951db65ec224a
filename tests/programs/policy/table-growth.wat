;; Attacks: a component has at most so many elements in a table. Rust cannot grow one, hence the text form: the
;; core module of a policy, to which the test adds the types.
(module
  (memory (export "memory") 1)
  (table $hoard 0 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "regcarve:plugin/decide@0.1.0#describe") (result i32) (unreachable))
  ;; Grows and grows, whatever the answer is.
  (func (export "regcarve:plugin/decide@0.1.0#configure") (param i32 i32) (result i32)
    (loop $again
      (drop (table.grow $hoard (ref.null func) (i32.const 10000)))
      (br $again))
    (unreachable))
  (func (export "regcarve:plugin/decide@0.1.0#decide") (param i32 i32 i32 i32) (result i32) (unreachable))
)
