; Captures: see grammars.py.
(class name: [(constant) (scope_resolution)] @name) @class
(module name: [(constant) (scope_resolution)] @name) @module
(method name: (_) @name) @function
(singleton_method name: (_) @name) @method
(assignment left: (constant) @name) @variable
(call method: (identifier) @_attribute arguments: (argument_list (simple_symbol) @name)
  (#any-of? @_attribute "attr_reader" "attr_writer" "attr_accessor")) @field
(call method: (identifier) @_alias arguments: (argument_list . (simple_symbol) @name)
  (#any-of? @_alias "alias_method" "define_method" "delegate" "scope" "has_many" "has_one" "belongs_to")) @method

(call method: (identifier) @call)
(call receiver: (constant) @use)
(call receiver: (scope_resolution name: (constant) @use))
(superclass (constant) @use)
(superclass (scope_resolution name: (constant) @use))
(call method: (identifier) @_mixin arguments: (argument_list [(constant) @use (scope_resolution name: (constant) @use)])
  (#any-of? @_mixin "include" "extend" "prepend"))

(call !receiver method: (identifier) @_require
  (#any-of? @_require "require" "require_relative" "load" "autoload")) @import

(comment) @comment
