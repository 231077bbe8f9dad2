"""Templates → text for one person. A template may read and choose, never call, count or reach out.

Jinja2 parses; every node must stand on the list below before anything is compiled (Jinja's own sandbox does
not bound work: `'a'*400000000` passes it). Values are never compiled and are escaped in HTML. A value that is
missing and has no fallback makes no text at all: `render` raises Missing and the person is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from limner.errors import TemplateError, did_you_mean
from limner.touches.links import is_safe_target
from limner.touches.values import FILTERS, FILTERS_HINT, MAX_VALUE, Absent, Known, Missing, items, shown

LIMIT = 1_000_000
"""Characters that a template, and a rendered message, may have."""
CLIP = 102_000
"""Gmail shows no more than this of a message."""
MAX_DEPTH = 24
MAX_TOKENS = 20_000
MAX_JOINED = 50

ROOTS = {
    **{name: name for name in ("person", "tag", "content", "theme", "picks", "form", "referral")},
    "user": "person",
}
UNSUBSCRIBE = "unsubscribe_url"
PREFERENCES = "preferences_url"
CAMPAIGN_NAME = "campaign.name"


@dataclass(frozen=True)
class Names:
    """What templates may name: attributes, tags, content fields, forms and referrals that exist in the workspace; the
    values of the scene and the lists of picks of the message.
    """

    person: frozenset[str] = frozenset()
    tag: frozenset[str] = frozenset()
    content: frozenset[str] = frozenset()
    theme: frozenset[str] = frozenset()
    picks: frozenset[str] = frozenset()
    form: frozenset[str] = frozenset()
    referral: frozenset[str] = frozenset()

    def of(self, root: str) -> frozenset[str]:
        """The names under one of the roots."""
        known: frozenset[str] = getattr(self, root)
        return known


@dataclass(frozen=True)
class Values:
    """What is known for one person: attributes and tags by name, and how links are made."""

    person: Mapping[str, Any] = field(default_factory=dict)
    tag: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    theme: Mapping[str, Any] = field(default_factory=dict)
    picks: Mapping[str, Any] = field(default_factory=dict)
    campaign_name: str = ""
    unsubscribe_url: str = ""
    preferences_url: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    referral: Mapping[str, str] = field(default_factory=dict)
    link: Callable[[str], str] = str


@dataclass(frozen=True)
class Template:
    """A checked template: safe to render for anybody.

    `names`: what it reads, such as person.city; `links`: its tracked targets; `warnings`: for its author.
    """

    source: str
    html: bool
    names: frozenset[str]
    links: tuple[str, ...]
    warnings: tuple[str, ...]
    _compiled: Compiled

    @property
    def unsubscribes(self) -> bool:
        """Whether it offers the link that every advertising mail must have."""
        return UNSUBSCRIBE in self.names

    def render(self, values: Values) -> str:
        """The text for one person. Raises Missing, naming what is missing."""
        parts: list[str] = []
        length = 0
        given = {
            "person": Known("person", values.person),
            "tag": Known("tag", values.tag),
            "content": Known("content", values.content),
            "theme": Known("theme", values.theme),
            "picks": Known("picks", values.picks),
            "campaign": Known("campaign", {"name": values.campaign_name}),
            UNSUBSCRIBE: values.unsubscribe_url or Absent(name=UNSUBSCRIBE),
            PREFERENCES: values.preferences_url or Absent(name=PREFERENCES),
            "form": Known("form", values.form),
            "referral": Known("referral", values.referral),
            "link": values.link,
        }
        try:
            for part in self._compiled.generate(given):
                length += len(part)
                if length > LIMIT:
                    raise Missing("the message is longer than 1 MB")
                parts.append(part)
        except (ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
            raise Missing(f"the template cannot show a value: {error}"[:200]) from error
        return "".join(parts)


def compile_template(source: str, *, names: Names, html: bool) -> Template:
    """The checked template.

    Raises TemplateError with code template_syntax, unknown_variable, template_forbidden,
    template_too_complex, bad_link or too_long.
    """
    if len(source) > LIMIT:
        raise TemplateError(
            "the template is longer than 1 MB (Gmail clips at 102 KB: warning; limit 1 MB)",
            code="too_long",
            status=413,
        )
    environment = _HTML if html else _TEXT
    tree = _parse(environment, source)
    check = _Check(names)
    try:
        check.whole(tree)
        compiled = environment.from_string(tree)
    except RecursionError:
        raise _too_complex() from None
    warnings = []
    if len(source.encode()) > CLIP:
        warnings.append(f"the template has {len(source.encode()) // 1000} KB; Gmail clips messages at 102 KB")
    return Template(source, html, frozenset(check.names), tuple(check.links), tuple(warnings), compiled)


def _parse(environment: ImmutableSandboxedEnvironment, source: str) -> nodes.Template:
    try:
        depth = opened = 0
        for count, (_line, kind, word) in enumerate(environment.lex(source)):
            if kind == "operator" and word in "([{":
                opened += 1
            elif kind == "operator" and word in ")]}":
                opened -= 1
            elif kind == "block_begin":
                depth += 1
            if opened > MAX_DEPTH or count > MAX_TOKENS or depth > MAX_TOKENS // 10:
                raise _too_complex()
        return environment.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(
            f"line {error.lineno}: {error.message}", code="template_syntax", where=f"line {error.lineno}"
        ) from error
    except (RecursionError, MemoryError):
        raise _too_complex() from None
    except ValueError as error:
        # A number with thousands of digits.
        raise TemplateError("line 1: a number cannot be read", code="template_syntax") from error


def _too_complex() -> TemplateError:
    return TemplateError("the template is nested too deeply or too long", code="template_too_complex")


def _forbidden(what: str, node: nodes.Node, hint: str | None = None) -> TemplateError:
    return TemplateError(
        f"line {node.lineno or 1}: a template may not use {what}",
        code="template_forbidden",
        where=f"line {node.lineno}",
        hint=hint,
    )


_OPERATORS: dict[type[nodes.Node], str] = {
    nodes.Mul: "*", nodes.Pow: "**", nodes.Add: "+", nodes.Sub: "-", nodes.Div: "/", nodes.FloorDiv: "//",
    nodes.Mod: "%", nodes.Neg: "-", nodes.Pos: "+",
}  # fmt: skip
_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.Const, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.List, nodes.Tuple,
)  # fmt: skip


class _Check:
    """Walks a tree: every node must be one that is allowed. Rewrites names into look-ups of known values."""

    def __init__(self, names: Names) -> None:
        self.known = names
        self.names: set[str] = set()
        self.links: list[str] = []

    def whole(self, tree: nodes.Template) -> None:
        """The whole template; what is dangerous is named before what is merely unknown."""
        for node in _walk(tree):
            if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
                raise _forbidden(f"the attribute {node.attr}", node)
            if type(node) in _OPERATORS:
                raise _forbidden(f"the operator {_OPERATORS[type(node)]}", node)
            if isinstance(node, nodes.Concat) and len(node.nodes) > MAX_JOINED:
                raise _too_complex()
        tree.body = [self.node(child, frozenset(), 0) for child in tree.body]

    def node(self, node: Any, loops: frozenset[str], depth: int) -> Any:
        """The node to compile in its place. `loops`: names that a loop around it gives."""
        if depth > MAX_DEPTH * 2:
            raise _too_complex()
        match node:
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self.name(node, loops)
            case nodes.Call():
                return self.call(node)
            case nodes.Filter():
                return self.filter(node, loops, depth)
            case nodes.Test():
                if node.name not in ("defined", "undefined") or node.args:
                    raise _forbidden(f"the test '{node.name}'", node)
            case nodes.For():
                return self.loop(node, loops, depth)
            case _ if not isinstance(node, _PLAIN):
                raise _forbidden(f"'{type(node).__name__.lower()}'", node)
        for name, value in node.iter_fields():
            if isinstance(value, list):
                setattr(
                    node,
                    name,
                    [
                        self.node(item, loops, depth + 1) if isinstance(item, nodes.Node) else item
                        for item in value
                    ],
                )
            elif isinstance(value, nodes.Node):
                setattr(node, name, self.node(value, loops, depth + 1))
        return node

    def name(self, node: nodes.Name | nodes.Getattr | nodes.Getitem, loops: frozenset[str]) -> nodes.Expr:
        path: list[str] = []
        at: nodes.Node = node
        while not isinstance(at, nodes.Name):
            if isinstance(at, nodes.Getattr):
                path.insert(0, at.attr)
                at = at.node
            elif isinstance(at, nodes.Getitem) and isinstance(at.arg, nodes.Const):
                path.insert(0, str(at.arg.value))
                at = at.node
            else:
                raise _forbidden("the attribute of anything but person, tag and content", node)
            if path[0].startswith("_") or len(path) > 16:
                raise _forbidden(f"the attribute {path[0]}", node)
        said = ".".join([at.name, *path])
        if at.name in loops:
            return _looked_up(at, path) if path else at
        if said in (UNSUBSCRIBE, PREFERENCES):
            self.names.add(said)
            return node
        if said == CAMPAIGN_NAME:
            self.names.add(said)
            return _looked_up(at, path)
        root = ROOTS.get(at.name)
        known = self.known.of(root) if root else frozenset()
        if root and path:
            # An attribute may hold an object: its own fields then follow the attribute's name.
            for length in range(len(path), 0, -1):
                if ".".join(path[:length]) in known:
                    self.names.add(f"{root}.{'.'.join(path)}")
                    return _looked_up(nodes.Name(root, "load", lineno=node.lineno), [".".join(path)])
        if at.name in _JINJA_GLOBALS:
            raise _forbidden(f"'{at.name}'", node)
        everything = [
            *(f"{shown}.{name}" for shown, of in ROOTS.items() for name in self.known.of(of)),
            UNSUBSCRIBE,
            PREFERENCES,
            CAMPAIGN_NAME,
        ]
        near = did_you_mean(said, everything)
        raise TemplateError(
            f"line {node.lineno}: unknown variable '{said}'" + (f": {near}" if near else ""),
            code="unknown_variable",
            where=f"line {node.lineno}",
            hint=near
            or "templates may name person.…, tag.…, content.…, theme.…, picks.…, campaign.name, unsubscribe_url",
        )

    def call(self, node: nodes.Call) -> nodes.Expr:
        called = node.node
        if not (isinstance(called, nodes.Name) and called.name == "link"):
            what = called.name if isinstance(called, nodes.Name) else getattr(called, "attr", "")
            raise _forbidden(f"the call {what}()", node, hint="only link('https://…') may be called")
        target = node.args[0] if len(node.args) == 1 else None
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not isinstance(target, nodes.Const):
            raise _forbidden("link() without one fixed text", node, hint="link('https://shop.example/sale')")
        if not isinstance(target.value, str) or not is_safe_target(target.value):
            raise TemplateError(
                f"line {node.lineno}: this is no link that may be followed",
                code="bad_link",
                where=f"line {node.lineno}",
                hint="a link begins with https:// or http:// and holds no spaces",
            )
        self.links.append(target.value)
        return node

    def filter(self, node: nodes.Filter, loops: frozenset[str], depth: int) -> nodes.Expr:
        if node.node is not None:
            node.node = self.node(node.node, loops, depth + 1)
        if node.name not in FILTERS or node.node is None:
            raise _forbidden(
                f"the filter '{node.name}'", node, hint=did_you_mean(node.name, FILTERS) or FILTERS_HINT
            )
        if node.dyn_args or node.dyn_kwargs:
            raise _forbidden("* in a filter", node)
        for argument in [*node.args, *(pair.value for pair in node.kwargs)]:
            if not isinstance(argument, nodes.Const):
                raise _forbidden(f"anything but fixed values for the filter '{node.name}'", node)
            if isinstance(argument.value, int) and abs(argument.value) > MAX_VALUE:
                raise _forbidden(f"a number over {MAX_VALUE} for the filter '{node.name}'", node)
        return node

    def loop(self, node: nodes.For, loops: frozenset[str], depth: int) -> nodes.Node:
        if isinstance(node.iter, nodes.Call):
            called = getattr(node.iter.node, "name", "a call")
            raise _forbidden(f"for over {called}", node, hint="loops go over lists of a person")
        if not isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Getitem):
            raise _forbidden("for over anything but a list of a person", node)
        if loops:
            raise _forbidden("a loop inside a loop", node)
        if not isinstance(node.target, nodes.Name) or node.recursive or node.test is not None:
            raise _forbidden("a loop of more than 'for item in list'", node)
        if node.target.name in (*ROOTS, "campaign", "link", UNSUBSCRIBE, PREFERENCES, "loop"):
            raise _forbidden(f"'{node.target.name}' as a loop's name", node)
        listed = self.name(node.iter, loops)
        node.iter = nodes.Filter(listed, "_items", [], [], None, None, lineno=node.lineno)
        inside = frozenset({node.target.name, "loop"})
        node.body = [self.node(child, inside, depth + 1) for child in node.body]
        node.else_ = [self.node(child, loops, depth + 1) for child in node.else_]
        return node


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Every node, without recursion."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH * 4:
            raise _too_complex()
        yield node
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def _looked_up(root: nodes.Name, path: list[str]) -> nodes.Expr:
    """The look-up of a path in a mapping: never an attribute of a Python object."""
    found: nodes.Expr = root
    for key in path:
        found = nodes.Getitem(found, nodes.Const(key, lineno=root.lineno), "load", lineno=root.lineno)
    return found


class _Environment(ImmutableSandboxedEnvironment):
    def getitem(self, obj: Any, argument: Any) -> Any:
        """A field of a mapping; of anything else nothing."""
        if isinstance(obj, Known):
            return obj[argument]
        if type(obj).__name__ == "LoopContext":
            return getattr(obj, argument) if argument in _LOOP else Absent(name=argument)
        value = obj.get(argument) if isinstance(obj, Mapping) else None
        return Absent(name=str(argument)) if value is None else value


_LOOP = ("index", "index0", "first", "last", "length")
_JINJA_GLOBALS = (
    "range",
    "lipsum",
    "dict",
    "cycler",
    "joiner",
    "namespace",
    "self",
    "super",
    "loop",
    "caller",
)


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    made = _Environment(
        autoescape=html, undefined=Absent, finalize=shown, optimized=False, keep_trailing_newline=True,
        extensions=(), cache_size=0,
    )  # fmt: skip
    made.globals.clear()
    made.filters.clear()
    made.filters.update({**FILTERS, "_items": items})
    made.tests = {name: made.tests[name] for name in ("defined", "undefined")}
    return made


_HTML = _environment(html=True)
_TEXT = _environment(html=False)
