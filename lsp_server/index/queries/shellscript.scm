; Captures: see grammars.py.
(function_definition name: (word) @name) @function
(declaration_command (variable_assignment name: (variable_name) @name)) @variable
(variable_assignment name: (variable_name) @name) @variable

(command name: (command_name (word) @call))

(command name: (command_name (word) @_source) (#any-of? @_source "source" ".")) @import

(comment) @comment
