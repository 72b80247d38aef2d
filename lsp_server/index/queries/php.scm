; Captures: see grammars.py.
(class_declaration name: (name) @name) @class
(interface_declaration name: (name) @name) @class
(trait_declaration name: (name) @name) @class
(enum_declaration name: (name) @name) @class
(namespace_definition name: (namespace_name) @name) @module
(method_declaration name: (name) @name) @method
(function_definition name: (name) @name) @function
(property_declaration (property_element name: (variable_name (name) @name))) @field
(property_promotion_parameter name: (variable_name (name) @name)) @field
(enum_case name: (name) @name) @field
(const_declaration (const_element . (name) @name)) @variable
(expression_statement (assignment_expression left: (variable_name (name) @name)
  right: [(anonymous_function body: (_) @body) (arrow_function body: (_) @body)])) @function

(function_call_expression function: (name) @call)
(function_call_expression function: (qualified_name (name) @call))
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(scoped_call_expression scope: (name) @use)
(class_constant_access_expression . (name) @use)
(object_creation_expression (name) @call)
(object_creation_expression (qualified_name (name) @call))
(base_clause (name) @use)
(base_clause (qualified_name (name) @use))
(class_interface_clause (name) @use)
(class_interface_clause (qualified_name (name) @use))
(use_declaration (name) @use)
(attribute (name) @use)

(namespace_use_declaration) @import
(require_expression) @import
(require_once_expression) @import
(include_expression) @import
(include_once_expression) @import

(comment) @comment
