; Captures: see grammars.py.
(class_declaration name: (type_identifier) @name) @class
(abstract_class_declaration name: (type_identifier) @name) @class
(interface_declaration name: (type_identifier) @name) @class
(enum_declaration name: (identifier) @name) @class
(type_alias_declaration name: (type_identifier) @name value: (object_type) @body) @class
(type_alias_declaration name: (type_identifier) @name value: (intersection_type (object_type) @body)) @class
(internal_module name: (_) @name) @module
(function_declaration name: (identifier) @name) @function
(generator_function_declaration name: (identifier) @name) @function
(function_signature name: (identifier) @name) @function
(method_definition name: (_) @name) @method
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body) (generator_function body: (_) @body)]) @function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @class
(public_field_definition name: (_) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method
(public_field_definition name: (_) @name) @field
(property_signature name: (_) @name) @field
(required_parameter (accessibility_modifier) pattern: (identifier) @name) @field
(enum_assignment name: (_) @name) @field
(enum_body name: (property_identifier) @name @field)
(pair key: (property_identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function
(type_alias_declaration name: (type_identifier) @name) @variable
(variable_declarator name: (identifier) @name) @variable

(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (_) @call))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (_) @call))
(decorator (identifier) @call)
(extends_clause value: (identifier) @use)
(extends_clause value: (member_expression property: (_) @use))
(implements_clause (type_identifier) @use)
(implements_clause (generic_type name: (type_identifier) @use))
(extends_type_clause (type_identifier) @use)
(extends_type_clause (generic_type name: (type_identifier) @use))

(import_statement) @import
(export_statement source: (_)) @import
(export_statement (export_clause)) @import
(export_statement "default") @import
(variable_declarator value: (call_expression function: (identifier) @_require (#eq? @_require "require"))) @import

(comment) @comment
