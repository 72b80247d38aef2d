; Captures: see grammars.py.
(class_declaration name: (type_identifier) @name) @class
(class_declaration name: (user_type (type_identifier) @name)) @scope
(protocol_declaration name: (type_identifier) @name) @class
(function_declaration name: (simple_identifier) @name) @function
(protocol_function_declaration name: (simple_identifier) @name) @method
(init_declaration "init" @name) @method
(property_declaration name: (pattern bound_identifier: (simple_identifier) @name) computed_value: (_) @body) @variable
(property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @variable
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @field
(typealias_declaration name: (type_identifier) @name) @variable
(enum_entry name: (simple_identifier) @name) @field

(call_expression . (simple_identifier) @call)
(call_expression . (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @call)))
(constructor_expression constructed_type: (user_type (type_identifier) @call))
(inheritance_specifier inherits_from: (user_type (type_identifier) @use))

(import_declaration) @import

(comment) @comment
(multiline_comment) @comment
