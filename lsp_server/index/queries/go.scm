; Captures: see grammars.py.
(type_spec name: (type_identifier) @name type: (struct_type (field_declaration_list) @body)) @class
(type_spec name: (type_identifier) @name type: (interface_type "{" @body)) @class
(type_spec name: (type_identifier) @name) @class
(type_alias name: (type_identifier) @name) @class
(function_declaration name: (identifier) @name) @function
(method_declaration receiver: (parameter_list) @receiver name: (field_identifier) @name) @method
(method_elem name: (field_identifier) @name) @method
(field_declaration name: (field_identifier) @name) @field
(const_spec (identifier) @name) @variable
(var_spec (identifier) @name) @variable

(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(composite_literal type: (type_identifier) @call)
(composite_literal type: (generic_type type: (type_identifier) @call))
(composite_literal type: (qualified_type name: (type_identifier) @call))
(field_declaration !name type: (type_identifier) @use)

(import_spec) @import

(comment) @comment
