"""What explain must know of each grammar, one row a language: which node types branch, throw, call, assign.

Runs in the session. Plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Shape:
    """Node types by their role. A mapping gives the field that holds what matters.

    `branches` and `boolean_operators` make complexity. `nested` are functions inside of functions, whose
    branches
    are their own. `stops` end a block: what follows is unreachable. `binds` are the targets of assignments.
    """

    branches: frozenset[str]
    calls: Mapping[str, str]
    throws: frozenset[str]
    binds: Mapping[str, str]
    nested: frozenset[str]
    lambdas: frozenset[str] = frozenset()
    blocks: frozenset[str] = frozenset({"statement_block"})
    stops: frozenset[str] = field(
        default_factory=lambda: _words("return_statement break_statement continue_statement throw_statement")
    )
    boolean_operators: frozenset[str] = frozenset({"&&", "||", "??"})
    identifiers: frozenset[str] = frozenset({"identifier"})
    yields: frozenset[str] = frozenset()
    awaits: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset({"return_statement"})
    # Calls that end the program or the task instead of returning: what a language without exceptions raises.
    panics: frozenset[str] = frozenset()


_PYTHON = Shape(
    branches=_words(
        "if_statement elif_clause for_statement while_statement except_clause except_group_clause case_clause"
        " conditional_expression for_in_clause if_clause assert_statement"
    ),
    calls={"call": "function"},
    throws=_words("raise_statement"),
    binds={
        "assignment": "left", "augmented_assignment": "left", "named_expression": "name",
        "for_statement": "left",
        "as_pattern": "alias", "type_alias_statement": "left",
    },
    nested=_words("function_definition class_definition"),
    lambdas=_words("lambda"),
    blocks=_words("block module"),
    stops=_words("return_statement raise_statement break_statement continue_statement"),
    boolean_operators=_words("and or"),
    yields=_words("yield"),
    awaits=_words("await"),
)  # fmt: skip

_SCRIPT = Shape(
    branches=_words(
        "if_statement for_statement for_in_statement while_statement do_statement switch_case"
        " catch_clause ternary_expression"
    ),
    calls={"call_expression": "function", "new_expression": "constructor"},
    throws=_words("throw_statement"),
    binds={
        "variable_declarator": "name", "assignment_expression": "left",
        "augmented_assignment_expression": "left",
        "for_in_statement": "left", "update_expression": "argument",
    },
    nested=_words(
        "function_declaration generator_function_declaration function_expression arrow_function"
        " method_definition class_declaration class"
    ),
    lambdas=_words("arrow_function function_expression generator_function"),
    blocks=_words("statement_block program"),
    identifiers=_words("identifier shorthand_property_identifier"),
    yields=_words("yield_expression"),
    awaits=_words("await_expression"),
)  # fmt: skip

_GO = Shape(
    branches=_words("if_statement for_statement expression_case type_case communication_case"),
    calls={"call_expression": "function", "composite_literal": "type"},
    throws=frozenset(),
    binds={
        "short_var_declaration": "left", "assignment_statement": "left", "var_spec": "name",
        "const_spec": "name",
        "range_clause": "left", "inc_statement": "", "dec_statement": "",
    },
    nested=_words("function_declaration method_declaration func_literal"),
    lambdas=_words("func_literal"),
    blocks=_words("block statement_list"),
    panics=_words("panic log.Fatal log.Fatalf log.Panic os.Exit"),
)  # fmt: skip

_RUST = Shape(
    branches=_words("if_expression match_arm while_expression for_expression loop_expression try_expression"),
    calls={"call_expression": "function", "macro_invocation": "macro", "struct_expression": "name"},
    throws=frozenset(),
    binds={
        "let_declaration": "pattern", "assignment_expression": "left", "compound_assignment_expr": "left",
        "for_expression": "pattern",
    },
    nested=_words("function_item closure_expression impl_item trait_item struct_item"),
    lambdas=_words("closure_expression"),
    blocks=_words("block"),
    stops=_words("return_expression break_expression continue_expression"),
    awaits=_words("await_expression"),
    returns=_words("return_expression"),
    panics=_words("panic todo unimplemented unreachable assert assert_eq assert_ne"),
)  # fmt: skip

_JAVA = Shape(
    branches=_words(
        "if_statement for_statement enhanced_for_statement while_statement do_statement"
        " switch_block_statement_group"
        " switch_rule catch_clause ternary_expression"
    ),
    calls={"method_invocation": "name", "object_creation_expression": "type"},
    throws=_words("throw_statement"),
    binds={
        "variable_declarator": "name", "assignment_expression": "left", "enhanced_for_statement": "name",
        "update_expression": "",
    },
    nested=_words(
        "method_declaration constructor_declaration lambda_expression class_declaration class_body"
    ),
    lambdas=_words("lambda_expression"),
    blocks=_words("block constructor_body"),
)  # fmt: skip

_C = Shape(
    branches=_words(
        "if_statement for_statement for_range_loop while_statement do_statement case_statement"
        " catch_clause conditional_expression"
    ),
    calls={"call_expression": "function", "new_expression": "type"},
    throws=_words("throw_statement"),
    binds={
        "init_declarator": "declarator", "assignment_expression": "left", "update_expression": "argument",
        "for_range_loop": "declarator",
    },
    nested=_words("function_definition lambda_expression class_specifier struct_specifier"),
    lambdas=_words("lambda_expression"),
    blocks=_words("compound_statement"),
    awaits=_words("co_await_expression"),
    yields=_words("co_yield_statement"),
    panics=_words("abort exit"),
)  # fmt: skip

_CSHARP = Shape(
    branches=_words(
        "if_statement for_statement foreach_statement while_statement do_statement switch_section"
        " switch_expression_arm catch_clause conditional_expression"
    ),
    calls={"invocation_expression": "function", "object_creation_expression": "type"},
    throws=_words("throw_statement throw_expression"),
    binds={"variable_declarator": "name", "assignment_expression": "left", "foreach_statement": "left"},
    nested=_words(
        "method_declaration constructor_declaration local_function_statement lambda_expression"
        " class_declaration struct_declaration"
    ),
    lambdas=_words("lambda_expression"),
    blocks=_words("block"),
    yields=_words("yield_statement"),
    awaits=_words("await_expression"),
)  # fmt: skip

_KOTLIN = Shape(
    branches=_words("if_expression when_entry for_statement while_statement do_while_statement catch_block"),
    calls={"call_expression": ""},
    throws=_words("throw_expression"),
    binds={"variable_declaration": "", "assignment": ""},
    nested=_words("function_declaration lambda_literal anonymous_function class_declaration"),
    lambdas=_words("lambda_literal anonymous_function"),
    blocks=_words("block"),
    stops=_words("return_expression throw_expression"),
    boolean_operators=_words("&& || ?:"),
    returns=_words("return_expression"),
    panics=_words("error TODO"),
)  # fmt: skip

_SCALA = Shape(
    branches=_words("if_expression case_clause for_expression while_expression catch_clause"),
    calls={"call_expression": "function", "instance_expression": ""},
    throws=_words("throw_expression"),
    binds={"val_definition": "pattern", "var_definition": "pattern", "assignment_expression": "left"},
    nested=_words("function_definition lambda_expression class_definition object_definition"),
    lambdas=_words("lambda_expression"),
    blocks=_words("block"),
    stops=_words("return_expression throw_expression"),
    returns=_words("return_expression"),
)  # fmt: skip

_SWIFT = Shape(
    branches=_words(
        "if_statement guard_statement for_statement while_statement repeat_while_statement switch_entry"
        " catch_block ternary_expression"
    ),
    calls={"call_expression": "", "constructor_expression": "constructed_type"},
    throws=frozenset(),
    binds={"property_declaration": "name", "assignment": "target"},
    nested=_words("function_declaration lambda_literal class_declaration init_declaration"),
    lambdas=_words("lambda_literal"),
    blocks=_words("statements"),
    stops=_words("control_transfer_statement"),
    identifiers=_words("simple_identifier"),
    awaits=_words("await_expression"),
    returns=_words("control_transfer_statement"),
    panics=_words("fatalError preconditionFailure"),
)  # fmt: skip

_ZIG = Shape(
    branches=_words("if_statement if_expression for_statement while_statement switch_case"),
    calls={"call_expression": "function", "struct_initializer": ""},
    throws=frozenset(),
    binds={"variable_declaration": "", "assignment_expression": "left"},
    nested=_words("function_declaration struct_declaration test_declaration"),
    blocks=_words("block"),
    boolean_operators=_words("and or orelse catch"),
    stops=_words("return_expression break_expression continue_expression"),
    returns=_words("return_expression"),
)  # fmt: skip

_PHP = Shape(
    branches=_words(
        "if_statement else_if_clause for_statement foreach_statement while_statement do_statement"
        " case_statement match_conditional_expression catch_clause conditional_expression"
    ),
    calls={
        "function_call_expression": "function", "member_call_expression": "name",
        "nullsafe_member_call_expression": "name", "scoped_call_expression": "name",
        "object_creation_expression": "",
    },
    throws=_words("throw_expression"),
    binds={"assignment_expression": "left", "augmented_assignment_expression": "left"},
    nested=_words(
        "function_definition method_declaration anonymous_function arrow_function class_declaration"
    ),
    lambdas=_words("anonymous_function arrow_function"),
    blocks=_words("compound_statement"),
    identifiers=_words("variable_name"),
    yields=_words("yield_expression"),
    panics=_words("exit die"),
)  # fmt: skip

_RUBY = Shape(
    branches=_words(
        "if elsif unless while until for when in_clause rescue conditional if_modifier unless_modifier"
        " while_modifier rescue_modifier"
    ),
    calls={"call": "method"},
    throws=frozenset(),
    binds={"assignment": "left", "operator_assignment": "left"},
    nested=_words("method singleton_method class module lambda"),
    lambdas=_words("lambda"),
    blocks=_words("body_statement block_body"),
    stops=_words("return break next"),
    boolean_operators=_words("&& || and or"),
    yields=_words("yield"),
    returns=_words("return"),
    panics=_words("raise fail abort exit"),
)  # fmt: skip

_LUA = Shape(
    branches=_words("if_statement elseif_statement for_statement while_statement repeat_statement"),
    calls={"function_call": "name"},
    throws=frozenset(),
    binds={"variable_list": "name"},
    nested=_words("function_declaration function_definition"),
    lambdas=_words("function_definition"),
    blocks=_words("block chunk"),
    stops=_words("return_statement break_statement"),
    boolean_operators=_words("and or"),
    panics=_words("error os.exit"),
)  # fmt: skip

_SHELL = Shape(
    branches=_words("if_statement elif_clause for_statement c_style_for_statement while_statement case_item"),
    calls={"command": "name"},
    throws=frozenset(),
    binds={"variable_assignment": "name", "for_statement": "variable"},
    nested=_words("function_definition"),
    blocks=_words("compound_statement do_group program"),
    boolean_operators=_words("&& ||"),
    identifiers=_words("variable_name"),
    panics=_words("exit"),
)  # fmt: skip

SHAPES: Mapping[str, Shape] = {
    "python": _PYTHON,
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "typescriptreact": _SCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
    "c": _C,
    "cpp": _C,
    "csharp": _CSHARP,
    "kotlin": _KOTLIN,
    "scala": _SCALA,
    "swift": _SWIFT,
    "zig": _ZIG,
    "php": _PHP,
    "ruby": _RUBY,
    "lua": _LUA,
    "shellscript": _SHELL,
}
