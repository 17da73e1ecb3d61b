"""Writes structural Verilog."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clearprop.circuits.formats.lowering import prepared
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.limits import WIDEST

# Reserved in IEEE 1364-2005 or IEEE 1800-2017; as names they are escaped.
_RESERVED = frozenset(
    """accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
    checker class clocking cmos config const constraint context continue cover covergroup coverpoint
    cross deassign default defparam design disable dist do edge else end endcase endchecker endclass
    endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
    endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event
    eventually expect export extends extern final first_match for force foreach forever fork
    forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins
    implements implies import incdir include initial inout input inside instance int integer
    interconnect interface intersect join join_any join_none large let liblist library local
    localparam logic longint macromodule matches medium modport module nand negedge nettype new
    nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter pmos
    posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime
    ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always
    s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
    signed small soft solve specify specparam static string strong strong0 strong1 struct super
    supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
    timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
    unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor""".split()  # noqa: SIM905 (a list would take 250 lines)
)
_OPERATORS = {
    "and": ("&", False),
    "or": ("|", False),
    "xor": ("^", False),
    "buf": ("", False),
    "nand": ("&", True),
    "nor": ("|", True),
    "xnor": ("^", True),
    "not": ("", True),
}
_BIT = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]", re.DOTALL)


def write_verilog(circuit: Circuit) -> str:
    """The circuit as one module, with an assign for each cell.

    Ports and wires that are named like all bits of a bus, such as s[0], s[1], s[2], become that
    bus; other names that are not plain identifiers are escaped, as in \\a.b . The order of the bits
    of a port is kept: the first is the least significant, as [2:0] or [0:2]. Majority and at-least
    gates become AND, OR and XOR. An output that is also an input, or is listed twice, is named
    net_out. Raises CircuitError for an input or output whose name contains white space or control
    characters.
    """
    circuit = _prepared(circuit)
    buses = _buses(circuit)
    ports = {
        "input": _grouped(circuit.inputs, buses),
        "output": _grouped(circuit.outputs, buses),
    }
    declared = {*circuit.inputs, *circuit.outputs}
    wires = [cell.output for cell in circuit.cells if cell.output not in declared]
    name = _module_name(circuit)
    # The older style of header, which every tool can read.
    header = [port for group in ports.values() for port in group]
    lines = [f"module {name}(", *_wrapped(header), ");"] if header else []
    lines = lines or [f"module {name};"]
    lines += [
        f"  {what} {bus}{port};" for what, group in ports.items() for port, bus in group.items()
    ]
    lines += [
        f"  wire {bus}{wire};" for wire, bus in _grouped(sorted(wires, key=_by_bit), buses).items()
    ]
    text = {net: _net(net, buses) for net in circuit.nets}
    lines += ["  " + _statement(cell, text) for cell in circuit.cells]
    return "\n".join([*lines, "endmodule"]) + "\n"


def _wrapped(names: list[str]) -> list[str]:
    """The names with commas, eight on a line."""
    rows = [", ".join(names[i : i + 8]) for i in range(0, len(names), 8)]
    return [f"  {row}," for row in rows[:-1]] + [f"  {row}" for row in rows[-1:]]


def module_ports(circuit: Circuit) -> tuple[str, dict[str, list[int]]]:
    """The name of the module that `write_verilog` writes, and its ports. For each port: the places
    of its bits among the circuit's inputs and then outputs, the most significant first."""
    circuit = _prepared(circuit)
    buses = _buses(circuit)
    ports: dict[str, list[int]] = {}
    for place, net in enumerate((*circuit.inputs, *circuit.outputs)):
        found = _BIT.fullmatch(net)
        name = found[1] if found and found[1] in buses else net
        ports.setdefault(_name(name), []).insert(0, place)
    return _module_name(circuit), ports


def _prepared(circuit: Circuit) -> Circuit:
    return prepared(circuit, (*_OPERATORS, "mux", "const0", "const1"), _allowed, "Verilog")


def _module_name(circuit: Circuit) -> str:
    return _name(re.sub(r"[\s\x00-\x1f\x7f]+", "_", circuit.name) or "circuit")


def _allowed(net: str) -> bool:
    return net.isprintable() and re.fullmatch(r"\S+", net) is not None


def _name(name: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", name) and name not in _RESERVED:
        return name
    return f"\\{name} "


def _net(net: str, buses: dict[str, tuple[int, int]]) -> str:
    found = _BIT.fullmatch(net)
    if found and found[1] in buses:
        return f"{_name(found[1])}[{found[2]}]"
    return _name(net)


def _by_bit(net: str) -> tuple[str, int]:
    found = _BIT.fullmatch(net)
    return (found[1], int(found[2])) if found else (net, -1)


def _buses(circuit: Circuit) -> dict[str, tuple[int, int]]:
    """The buses by name, with their bounds. The nets of a bus, its name with an index, are
    consecutive among the inputs, the outputs or the inner nets, and count up or down without a
    gap."""
    ports = {*circuit.inputs, *circuit.outputs}
    others = sorted((net for net in circuit.nets if net not in ports), key=_by_bit)
    runs: dict[str, list[list[int]]] = {}
    for group in (circuit.inputs, circuit.outputs, others):
        before = None
        for net in group:
            found = _BIT.fullmatch(net)
            base = found[1] if found else None
            if found and base is not None:
                if base != before:
                    runs.setdefault(base, []).append([])
                runs[base][-1].append(int(found[2]))
            before = base
        before = None
    nets = set(circuit.nets)
    buses: dict[str, tuple[int, int]] = {}
    for base, found_runs in runs.items():
        bits = found_runs[0]
        step = -1 if bits[-1] < bits[0] else 1
        whole = bits == list(range(bits[0], bits[-1] + step, step)) and len(bits) <= WIDEST
        if len(found_runs) == 1 and whole and base not in nets and not base.endswith("]"):
            buses[base] = (bits[-1], bits[0])
    return buses


def _grouped(nets: Sequence[str], buses: dict[str, tuple[int, int]]) -> dict[str, str]:
    """The names to declare for some nets, in order, each with its bounds if it is a bus."""
    declared: dict[str, str] = {}
    for net in nets:
        found = _BIT.fullmatch(net)
        if found and found[1] in buses:
            left, right = buses[found[1]]
            declared[_name(found[1])] = f"[{left}:{right}] "
        else:
            declared[_name(net)] = ""
    return declared


def _statement(cell: Cell, text: dict[str, str]) -> str:
    """The assign of a cell; gate primitives, named or unnamed, are not read by every tool."""
    inputs = [text[net] for net in cell.inputs]
    if cell.kind == "mux":
        s, a, b = inputs
        value = f"{s} ? {b} : {a}"
    elif cell.kind.startswith("const"):
        value = f"1'b{cell.kind[-1]}"
    else:
        symbol, inverted = _OPERATORS[cell.kind]
        value = f" {symbol} ".join(inputs)
        if inverted:
            value = f"~({value})" if len(inputs) > 1 else f"~{value}"
    return f"assign {text[cell.output]} = {value};"
