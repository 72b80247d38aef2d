; Captures: see grammars.py.
(class_definition name: (identifier) @name) @class
(object_definition name: (identifier) @name) @class
(trait_definition name: (identifier) @name) @class
(enum_definition name: (identifier) @name) @class
(package_object name: (identifier) @name) @class
(function_definition name: (_) @name) @function
(function_declaration name: (_) @name) @function
(val_definition pattern: (identifier) @name) @variable
(var_definition pattern: (identifier) @name) @variable
(val_definition pattern: (tuple_pattern (identifier) @name)) @variable
(val_declaration name: (identifier) @name) @variable
(var_declaration name: (identifier) @name) @variable
(given_definition name: (identifier) @name) @variable
(type_definition name: (type_identifier) @name) @variable
(class_parameter name: (identifier) @name) @field
(simple_enum_case name: (identifier) @name) @field
(full_enum_case name: (identifier) @name) @field

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (field_expression field: (identifier) @call)))
(instance_expression (type_identifier) @call)
(instance_expression (generic_type type: (type_identifier) @call))
(extends_clause type: (type_identifier) @use)
(extends_clause type: (generic_type type: (type_identifier) @use))
(annotation name: (type_identifier) @use)

(import_declaration) @import

(comment) @comment
(block_comment) @comment
