"""Reads structural Verilog and flattens its hierarchy of modules into one circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clearprop.circuits.formats.expressions import emit
from clearprop.circuits.formats.operators import Node
from clearprop.circuits.formats.source import Builder, decode
from clearprop.circuits.formats.tokens import Reference, Tokens, tokenize
from clearprop.circuits.formats.verilog_syntax import (
    Assign,
    Declaration,
    Expression,
    Instance,
    Module,
    Primitive,
    Range,
    read_modules,
)
from clearprop.circuits.netlist import Circuit, CircuitError


def read_verilog(text: str | bytes, file: str = "verilog", top: str | None = None) -> Circuit:
    """The circuit of a file of structural Verilog (IEEE 1364).

    Supported are ports in either style, wires and buses, supply0 and supply1, gates (and, nand, or,
    nor, xor, xnor, not, buf), assign with ~ ! & | ^ ~^ && || == != ?: , reductions, { }, {n{ }},
    selects of bits and parts, sized constants, and instances of modules in the same file. Delays,
    attributes and `timescale are ignored. Bit 3 of a bus s is the net "s[3]"; the bits of a port
    are listed from the least significant, and narrower operands are extended by zeros. A net y of
    an instance u is called "u.y".

    top: the module to read; by default the module that no other module uses.
    Raises CircuitError, with file, line and token, for everything else: registers, latches,
    tristate nets, parameters, arithmetic, modules not in the file, a module that contains itself.
    """
    tokens = tokenize(decode(text), file)
    modules = read_modules(tokens)
    module = _top(tokens, modules, top)
    builder = Builder(file, tokens.text, tokens.line)
    dots = max((word.count(".") for word in tokens.words if word[:1] == "\\"), default=0)
    flat = _Flattening(tokens, modules, builder, "." * (dots + 1))
    return flat.circuit(module)


def _top(tokens: Tokens, modules: dict[str, Module], top: str | None) -> Module:
    if top is not None:
        if top not in modules:
            raise CircuitError(f"{tokens.file}: there is no module {top!r}: {_listed(modules)}")
        return modules[top]
    used = {i.module for m in modules.values() for i in m.items if isinstance(i, Instance)}
    free = [name for name in modules if name not in used]
    if len(free) == 1:
        return modules[free[0]]
    if not free:
        first = next(iter(modules.values()))
        raise tokens.error(first.at, f"every module contains itself: {_listed(modules)}")
    message = f"several modules are used by no other; choose one as top: {_listed(free)}"
    raise tokens.error(modules[free[1]].at, message)


def _listed(names: Sequence[str] | dict[str, Module]) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


@dataclass
class _Scope:
    """A module at one place in the hierarchy, with its nets by their names in the circuit."""

    module: Module
    prefix: str
    depth: int
    ranges: dict[str, Range] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)  # of the declarations
    what: dict[str, str] = field(default_factory=dict)  # "input", "output", "wire", "supply0" …
    names: dict[str, str] = field(
        default_factory=dict
    )  # new names of nets and bits that are renamed


@dataclass
class _Flattening:
    tokens: Tokens
    modules: dict[str, Module]
    builder: Builder
    separator: str

    def circuit(self, module: Module) -> Circuit:
        """The circuit of a module with all its instances."""
        top = self._scope(module, "", 0)
        left = [top]
        while left:
            scope = left.pop()
            for item in scope.module.items:
                if isinstance(item, Primitive):
                    self._primitive(scope, item)
                elif isinstance(item, Assign):
                    self._assign(scope, item)
                else:
                    left.append(self._instance(scope, item))
        ports: dict[str, list[str]] = {"input": [], "output": []}
        for port in module.ports:
            ports[top.what[port]].extend(self._bits(top, (port, ()), module.at))
        return self.builder.circuit(module.name, ports["input"], ports["output"])

    def _scope(self, module: Module, prefix: str, depth: int) -> _Scope:
        """The nets that a module declares."""
        scope = _Scope(module, prefix, depth)
        ports = set(module.ports)
        if len(ports) < len(module.ports):
            twice = next(name for name in module.ports if module.ports.count(name) > 1)
            raise self._error(module.at, f"the port {twice!r} is listed twice", twice)
        for declared in module.declarations:
            self._declare(scope, declared, ports)
        for port in module.ports:
            if scope.what.get(port) not in ("input", "output"):
                raise self._error(
                    module.at, f"the port {port!r} is neither an input nor an output", port
                )
        return scope

    def _declare(self, scope: _Scope, declared: Declaration, ports: set[str]) -> None:
        name, what, at = declared.name, declared.what, declared.at
        direction = what in ("input", "output")
        if direction and name not in ports:
            raise self._error(at, f"the {what} {name!r} is not a port of its module", name)
        known = scope.what.get(name)
        if known is not None:
            both = {known, what} in ({"input", "wire"}, {"output", "wire"})
            supply = {known, what} in ({"output", "supply0"}, {"output", "supply1"})
            if not both or scope.ranges[name] != declared.range:
                if supply:
                    raise self._error(at, f"{name!r} is both an output and a {what}", name)
                first = self.tokens.line(scope.places[name])
                raise self._error(at, f"{name!r} is declared twice, first in line {first}", name)
            scope.what[name] = what if known == "wire" else known
            return
        scope.what[name], scope.ranges[name] = what, declared.range
        scope.places[name] = at
        bits = self._bits(scope, (name, ()), at)
        if declared.range is not None and scope.what.keys() & set(_bit_names(name, declared.range)):
            raise self._error(at, f"{name!r} has a bit that is also declared as a net", name)
        if name.endswith("]") and self._is_bit(scope, name):
            raise self._error(at, f"{name!r} is also a bit of a bus", name)
        for net in bits:
            self.builder.where.setdefault(net, at)
            if what.startswith("supply"):
                self.builder.constant(int(what[-1]), at, net)

    def _is_bit(self, scope: _Scope, name: str) -> bool:
        bus, _, index = name[:-1].rpartition("[")
        bounds = scope.ranges.get(bus)
        if bounds is None or not index.removeprefix("-").isdecimal() or len(index) > 12:
            return False
        return min(bounds) <= int(index) <= max(bounds)

    def _bits(self, scope: _Scope, reference: Reference, at: int) -> list[str]:
        """The nets of a reference, the least significant first."""
        name, indices = reference
        bounds = scope.ranges.get(name)
        if bounds is None:
            if indices:
                raise self._error(at, f"{name!r} is not a bus: it has no bits to select", name)
            self.builder.spend_names(1, len(scope.prefix) + len(name), at)
            return [self._net(scope, name)]
        left, right = bounds
        if indices:
            for index in indices:
                if not min(bounds) <= index <= max(bounds):
                    message = f"the bus {name}[{left}:{right}] has no bit {index}"
                    raise self._error(at, message, f"{name}[{index}]")
            if len(indices) == 2 and (indices[0] - indices[1]) * (left - right) < 0:
                message = f"[{indices[0]}:{indices[1]}] of {name!r} runs against [{left}:{right}]"
                raise self._error(at, message, name)
            left, right = indices[0], indices[-1]
        self.builder.spend_names(abs(left - right) + 1, len(scope.prefix) + len(name), at)
        return [self._net(scope, bit) for bit in _bit_names(name, (left, right))]

    def _net(self, scope: _Scope, name: str) -> str:
        if scope.names:
            known = scope.names.get(name)
            if known is not None:
                return known
        return scope.prefix + name

    def _emit(
        self,
        scope: _Scope,
        expression: Expression,
        at: int,
        targets: Sequence[str] | None = None,
    ) -> list[str]:
        if isinstance(expression, str):
            if targets is None:
                return self._bits(scope, (expression, ()), at)
            expression = [Node("net", at, [], (expression, ()))]

        def resolve(reference: Reference, at: int) -> list[str]:
            bits = self._bits(scope, reference, at)
            for net in bits:
                self.builder.where.setdefault(net, at)
            return bits

        return emit(expression, self.builder, resolve, targets)

    def _driven(self, scope: _Scope, reference: Reference, at: int) -> list[str]:
        """The nets of a reference that is to be driven."""
        name = reference[0]
        if scope.what.get(name) == "input":
            line = self.tokens.line(scope.places[name])
            message = f"{name!r} is an input (line {line}) and cannot be driven"
            raise self._error(at, message, name)
        return self._bits(scope, reference, at)

    def _primitive(self, scope: _Scope, item: Primitive) -> None:
        kind, terminals, at = item.kind, item.terminals, item.at
        n_outputs = len(terminals) - 1 if kind in ("not", "buf") else 1
        inputs = []
        for expression in terminals[n_outputs:]:
            bits = self._emit(scope, expression, at)
            if len(bits) != 1:
                raise self._error(at, f"a terminal of {kind} must be one bit; got {len(bits)}")
            inputs.append(bits[0])
        for expression in terminals[:n_outputs]:
            bits = self._output(scope, expression, at)
            if len(bits) != 1:
                raise self._error(at, f"the output of {kind} must be one bit; got {len(bits)}")
            self.builder.add(kind, inputs, bits[0], at)

    def _assign(self, scope: _Scope, item: Assign) -> None:
        targets: list[str] = []
        for reference, at in reversed(item.targets):
            targets.extend(self._driven(scope, reference, at))
            self.builder.spend(1, at)
        self._emit(scope, item.expression, item.at, targets)

    def _instance(self, scope: _Scope, item: Instance) -> _Scope:
        """The scope of an instance, whose ports are nets of the scope that contains it."""
        module = self.modules.get(item.module)
        if module is None:
            message = f"the module {item.module!r} is not in the file"
            message += "; it may be a flip-flop or a cell of a library"
            raise self._error(item.at - 1, message)
        if scope.depth >= len(self.modules):
            raise self._error(item.at, f"the module {item.module!r} contains itself")
        self.builder.spend(1, item.at)
        prefix = f"{scope.prefix}{item.name}{self.separator}"
        inner = self._scope(module, prefix, scope.depth + 1)
        connected: set[str] = set()
        for port, expression, at in item.ports:
            if isinstance(port, int) and port >= len(module.ports):
                n = len(module.ports)
                raise self._error(at, f"{module.name!r} has only {n} port{'s' * (n != 1)}")
            name = module.ports[port] if isinstance(port, int) else port
            if name not in inner.what or inner.what[name] not in ("input", "output"):
                raise self._error(at, f"{module.name!r} has no port {name!r}")
            if name in connected:
                raise self._error(at, f"the port {name!r} is connected twice")
            connected.add(name)
            if expression is not None:
                self._connect(scope, inner, name, expression, at)
        return inner

    def _connect(
        self, scope: _Scope, inner: _Scope, port: str, expression: Expression, at: int
    ) -> None:
        bounds = inner.ranges[port]
        if bounds is not None:
            self.builder.spend_names(abs(bounds[0] - bounds[1]) + 1, len(port), at)
        bits = [port] if bounds is None else _bit_names(port, bounds)
        if inner.what[port] == "input":
            node = expression[0]
            if isinstance(node, Node) and node.op == "number" and node.number[1] is None:
                node.number = (node.number[0], len(bits))
            nets = self._emit(scope, expression, at)
        else:
            nets = self._output(scope, expression, at)
        if len(nets) != len(bits):
            message = f"the port {port!r} of {inner.module.name!r} has {len(bits)} bits"
            raise self._error(at, f"{message}; got {len(nets)}")
        for bit, net in zip(bits, nets, strict=True):
            inner.names[bit] = net
            self.builder.where.setdefault(net, at)

    def _output(self, scope: _Scope, expression: Expression, at: int) -> list[str]:
        """The nets that an output drives: a net, a part of a bus, or { } of these."""
        if isinstance(expression, str):
            return self._driven(scope, (expression, ()), at)
        values: list[list[str]] = []
        for node in expression:
            if node.op == "net":
                values.append(self._driven(scope, node.reference, node.at))
            elif node.op == "{" and node.times == 1:
                parts = [values[part] for part in reversed(node.parts)]
                values.append([net for part in parts for net in part])
            else:
                raise self._error(node.at, "an output must be connected to nets")
        return values[-1]

    def _error(self, at: int, message: str, net: str | None = None) -> CircuitError:
        return self.builder.error(at, message, net)


def _bit_names(name: str, bounds: tuple[int, int]) -> list[str]:
    """The names of the bits of a bus, the least significant first."""
    left, right = bounds
    step = 1 if left >= right else -1
    return [f"{name}[{i}]" for i in range(right, left + step, step)]
