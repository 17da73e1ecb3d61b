"""Writing structural Verilog."""

from __future__ import annotations

import re
from collections.abc import Sequence

from clearprop.circuits.lowering import prepared
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.tokens import WIDEST
from clearprop.circuits.verilog_syntax import PRIMITIVES

# Reserved in IEEE 1364-2005 or IEEE 1800-2017: as names they are escaped.
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
_BIT = re.compile(r"(.+)\[(0|[1-9][0-9]{0,8})\]", re.DOTALL)


def write_verilog(circuit: Circuit) -> str:
    """The circuit as one module of gates, with an assign for constants and multiplexers.

    Ports and wires whose names are all the bits of a bus, such as s[0], s[1], s[2], become that
    bus; other names that are no plain identifiers are escaped, as in \\a.b . The order of the bits
    of a port is kept: the least significant is the first, [2:0] or [0:2]. Majority and at-least
    gates become AND, OR and XOR. An output that is also an input, or another output, is named
    net_out. CircuitError for inputs and outputs with white space or control characters in the name.
    """
    circuit = _prepared(circuit)
    buses = _buses(circuit)
    ports = {
        "input": _grouped(circuit.inputs, buses),
        "output": _grouped(circuit.outputs, buses),
    }
    declared = {*circuit.inputs, *circuit.outputs}
    wires = [cell.output for cell in circuit.cells if cell.output not in declared]
    header = [f"  {what} {port}" for what, group in ports.items() for port in group]
    name = _module_name(circuit)
    lines = [f"module {name}(", ",\n".join(header), ");"]
    if not header:
        lines = [f"module {name};"]
    lines += [f"  wire {wire};" for wire in _grouped(sorted(wires, key=_by_bit), buses)]
    text = {net: _net(net, buses) for net in circuit.nets}
    taken = {net.partition("[")[0] for net in circuit.nets}
    prefix = "g"
    while any(re.fullmatch(prefix + "[0-9]+", base) for base in taken):
        prefix += "_"
    for i, cell in enumerate(circuit.cells, 1):
        lines.append("  " + _statement(cell, text, f"{prefix}{i}"))
    return "\n".join([*lines, "endmodule"]) + "\n"


def module_ports(circuit: Circuit) -> tuple[str, dict[str, list[int]]]:
    """The name of the module that `write_verilog` writes, and its ports: for each the places of its
    bits among the circuit's inputs and then its outputs, the most significant first."""
    circuit = _prepared(circuit)
    buses = _buses(circuit)
    ports: dict[str, list[int]] = {}
    for place, net in enumerate((*circuit.inputs, *circuit.outputs)):
        found = _BIT.fullmatch(net)
        name = found[1] if found and found[1] in buses else net
        ports.setdefault(_name(name), []).insert(0, place)
    return _module_name(circuit), ports


def _prepared(circuit: Circuit) -> Circuit:
    return prepared(circuit, (*PRIMITIVES, "mux", "const0", "const1"), _allowed, "Verilog")


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
    """The buses by name, with their bounds: all the nets of a name with an index stand together,
    among the inputs, the outputs or the others, and count up or down without a gap."""
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


def _grouped(nets: Sequence[str], buses: dict[str, tuple[int, int]]) -> list[str]:
    """Declarations of nets, in order: a bus by its name and bounds, once."""
    declared: dict[str, None] = {}
    for net in nets:
        found = _BIT.fullmatch(net)
        if found and found[1] in buses:
            left, right = buses[found[1]]
            declared.setdefault(f"[{left}:{right}] {_name(found[1])}")
        else:
            declared.setdefault(_name(net))
    return list(declared)


def _statement(cell: Cell, text: dict[str, str], instance: str) -> str:
    output, inputs = text[cell.output], [text[net] for net in cell.inputs]
    if cell.kind == "mux":
        s, a, b = inputs
        return f"assign {output} = {s} ? {b} : {a};"
    if cell.kind.startswith("const"):
        return f"assign {output} = 1'b{cell.kind[-1]};"
    return f"{cell.kind} {instance} ({', '.join([output, *inputs])});"
