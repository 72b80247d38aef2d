; Captures: see grammars.py.
(class_declaration name: (identifier) @name) @class
(interface_declaration name: (identifier) @name) @class
(enum_declaration name: (identifier) @name) @class
(record_declaration name: (identifier) @name) @class
(annotation_type_declaration name: (identifier) @name) @class
(method_declaration name: (identifier) @name) @method
(constructor_declaration name: (identifier) @name) @method
(compact_constructor_declaration name: (identifier) @name) @method
(field_declaration declarator: (variable_declarator name: (identifier) @name)) @field
(constant_declaration declarator: (variable_declarator name: (identifier) @name)) @field
(enum_constant name: (identifier) @name) @field

(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
(object_creation_expression type: (generic_type (type_identifier) @call))
(marker_annotation name: (identifier) @use)
(annotation name: (identifier) @use)
(superclass (type_identifier) @use)
(superclass (generic_type (type_identifier) @use))
(super_interfaces (type_list (type_identifier) @use))
(super_interfaces (type_list (generic_type (type_identifier) @use)))
(extends_interfaces (type_list (type_identifier) @use))

(import_declaration) @import

(line_comment) @comment
(block_comment) @comment
