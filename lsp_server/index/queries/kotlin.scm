; Captures: see grammars.py.
(class_declaration name: (identifier) @name [(class_body) (enum_class_body)] @body) @class
(class_declaration name: (identifier) @name) @class
(object_declaration name: (identifier) @name (class_body) @body) @class
(object_declaration name: (identifier) @name) @class
(function_declaration name: (identifier) @name (function_body) @body) @function
(function_declaration name: (identifier) @name) @function
(property_declaration (variable_declaration (identifier) @name)) @variable
(type_alias type: (identifier) @name) @variable
(class_parameter ["val" "var"] . (identifier) @name) @field
(enum_entry (identifier) @name) @field

(call_expression . (identifier) @call)
(call_expression . (navigation_expression (identifier) @call .))
(constructor_invocation (user_type (identifier) @call .))
(delegation_specifier (user_type (identifier) @use .))
(delegation_specifier (constructor_invocation (user_type (identifier) @use .)))
(annotation (user_type (identifier) @use .))

(import) @import

(line_comment) @comment
(block_comment) @comment
