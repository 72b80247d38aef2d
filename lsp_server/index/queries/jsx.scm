; Captures: see grammars.py. Added to the query of a language that has elements.
(jsx_opening_element name: (identifier) @call)
(jsx_self_closing_element name: (identifier) @call)
