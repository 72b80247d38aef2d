; Captures: see grammars.py.
(variable_declaration . (identifier) @name (struct_declaration "{" @body)) @class
(variable_declaration . (identifier) @name (enum_declaration "{" @body)) @class
(variable_declaration . (identifier) @name (union_declaration "{" @body)) @class
(variable_declaration . (identifier) @name (opaque_declaration "{" @body)) @class
(function_declaration name: (identifier) @name) @function
(container_field name: (identifier) @name) @field
(variable_declaration . (identifier) @name) @variable

(call_expression function: (identifier) @call)
(call_expression function: (field_expression member: (identifier) @call))
(struct_initializer . (identifier) @call)

(builtin_function (builtin_identifier) @_import (#eq? @_import "@import")) @import

(comment) @comment
