; Captures: see grammars.py.
(function_declaration name: (identifier) @name) @function
(function_declaration name: (dot_index_expression table: (_) @receiver field: (identifier) @name)) @method
(function_declaration name: (method_index_expression table: (_) @receiver method: (identifier) @name)) @method
(assignment_statement (variable_list . name: (dot_index_expression table: (_) @receiver field: (identifier) @name))
  (expression_list . value: (function_definition body: (_) @body))) @method
(variable_declaration (assignment_statement (variable_list . name: (identifier) @name)
  (expression_list . value: (function_definition body: (_) @body)))) @function
(variable_declaration (assignment_statement (variable_list name: (identifier) @name))) @variable
(chunk (assignment_statement (variable_list name: (identifier) @name)) @variable)
(chunk (assignment_statement (variable_list name: (dot_index_expression table: (identifier) @receiver field: (identifier) @name))) @field)

(function_call name: (identifier) @call)
(function_call name: (dot_index_expression field: (identifier) @call))
(function_call name: (method_index_expression method: (identifier) @call))

(function_call name: (identifier) @_require (#any-of? @_require "require" "dofile" "loadfile")) @import

(comment) @comment
