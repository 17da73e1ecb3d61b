"""The arguments of the commands `clearprop circuit …`. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from clearprop.cli.values import count, names, number, positive, rate, seconds, sizes, threads

FORMATS = ("verilog", "bench", "blif", "aag", "aig")  # the keys of clearprop.circuits.FORMATS
CIRCUIT = (
    "netlist (structural Verilog .v, .bench, .blif, AIGER .aag or .aig), - for a netlist on "
    "standard input, or a truth table such as 0110: the output for all inputs, counting up with "
    "the first input as the highest digit; x where it does not matter, commas between outputs"
)
EXPRESSION = 'instead, "a & b | c" or "s = a ^ b; c = a & b"; operators ~ & ^ | ? : =='

_below_half = number(float, lambda x: 0 <= x < 0.5, "a number of at least 0 and below 0.5")
_to_half = number(float, lambda x: 0 < x <= 0.5, "a number above 0 and at most 0.5")
_inner = number(float, lambda x: 0 < x < 0.5, "a number above 0 and below 0.5")


def _bits(text: str) -> list[int]:
    if not text or set(text) - {"0", "1"}:
        raise argparse.ArgumentTypeError(f"must be digits 0 and 1, got {text!r}")
    return [int(digit) for digit in text]


def _add_circuit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("circuit", metavar="CIRCUIT", nargs="?", help=CIRCUIT)
    parser.add_argument("-e", "--expression", metavar="EXPR", help=EXPRESSION)
    parser.add_argument(
        "--format", choices=FORMATS, help="format of the file (default: by its ending)"
    )


def _add_gain(parser: argparse.ArgumentParser, default: str = "8") -> None:
    parser.add_argument("-g", "--gain", type=rate, help="the gain g of σ(g (w·x + b)) "
                        f"(default: {default})")  # fmt: skip


def _add_dtype(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64",
                        help="precision of the neurons (default: float64)")  # fmt: skip


def _add_file(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("-o", "--output", metavar="OUT", default="-",
                        help=f"{what} file (default: standard output)")  # fmt: skip


def _add_model_file(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    default = "" if required else " (default: none, only the report)"
    parser.add_argument("-o", "--output", metavar="MODEL", required=required,
                        help=f"network file to write, .safetensors{default}")  # fmt: skip
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing file")


def _add_verilog(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", choices=FORMATS, help="format (default: by OUT's ending, or "
                        "verilog)")  # fmt: skip
    parser.add_argument("--testbench", metavar="TB", help="write a self-checking testbench for "
                        "the Verilog as well")  # fmt: skip


def _add_show(parser: argparse.ArgumentParser) -> None:
    _add_circuit(parser)
    parser.add_argument("-t", "--table", action="store_true",
                        help="the truth table with soft outputs, for up to 10 inputs")  # fmt: skip
    _add_gain(parser)


def _add_gate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", nargs="?",
                        help="and, or, xor, majority, at_least_2, mux, full_adder, ...; without "
                        "KIND, all kinds are listed")  # fmt: skip
    parser.add_argument("arity", metavar="N", nargs="?", type=positive,
                        help="number of inputs (default: 2, 3, or the least possible)")  # fmt: skip
    _add_gain(parser, "10, as in the lecture")


def _add_draw(parser: argparse.ArgumentParser) -> None:
    _add_circuit(parser)
    _add_file(parser, ".svg")
    parser.add_argument("-b", "--bits", type=_bits, help="show the values of the wires for "
                        "these inputs, such as 0101, in the circuit's order")  # fmt: skip
    _add_gain(parser)
    parser.add_argument(
        "--hard", action="store_true", help="with --bits: show bits, not soft values"
    )
    parser.add_argument("--cone", type=names, metavar="NETS", help="only the part that these nets "
                        "depend on (with commas), for a circuit too large to draw")  # fmt: skip


def _add_convert(parser: argparse.ArgumentParser) -> None:
    _add_circuit(parser)
    _add_file(parser, "netlist")
    _add_verilog(parser)


def _add_compile(parser: argparse.ArgumentParser) -> None:
    _add_circuit(parser)
    _add_model_file(parser)
    _add_gain(parser)
    _add_dtype(parser)
    parser.add_argument("--max-mib", type=positive, default=256, metavar="MIB",
                        help="memory that the weights may take (default: 256)")  # fmt: skip
    parser.add_argument("--uncertified", action="store_true",
                        help="write it even if it is not proved right at this gain")  # fmt: skip


def _add_certify(parser: argparse.ArgumentParser) -> None:
    _add_circuit(parser)
    _add_gain(parser, "8, or with --error the least gain that achieves it")
    parser.add_argument("--error", type=_to_half, metavar="E",
                        help="error that an output may have (default: below 0.5)")  # fmt: skip
    parser.add_argument("--input-error", type=_below_half, default=0.0, metavar="E",
                        help="error that the inputs may have (default: 0)")  # fmt: skip
    parser.add_argument("--vectors", type=count, default=1024, metavar="N",
                        help="number of random inputs to measure as well; all inputs if there "
                        "are no more (default: 1024)")  # fmt: skip
    _add_dtype(parser)


def _add_equal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("circuits", metavar="CIRCUIT", nargs="*", help=f"{CIRCUIT}; two in all")
    parser.add_argument("-e", "--expression", metavar="EXPR", action="append", default=[],
                        help=EXPRESSION)  # fmt: skip
    parser.add_argument(
        "--format", choices=FORMATS, help="format of the files (default: by their endings)"
    )
    parser.add_argument("--by-order", action="store_true",
                        help="pair inputs and outputs by order, not by name")  # fmt: skip
    parser.add_argument("--method", choices=("auto", "exhaustive", "sat"), default="auto",
                        help="all inputs, or a SAT solver (default: the faster one)")  # fmt: skip
    parser.add_argument("--time-limit", type=seconds, default=60.0, metavar="SECONDS",
                        help="time for the SAT solver (default: 60)")  # fmt: skip


def _add_learn(parser: argparse.ArgumentParser) -> None:
    _add_circuit(parser)
    _add_model_file(parser, required=False)
    net = parser.add_argument_group("network and search")
    net.add_argument("--hidden-sizes", type=sizes, metavar="SIZES", help="hidden units, such as 4 "
                     "or 4,3 (default: the fewest that are found to work)")  # fmt: skip
    net.add_argument("--unit", choices=("logistic", "tanh"), default="logistic",
                     help="kind of hidden units (default: logistic)")  # fmt: skip
    net.add_argument("--margin", type=_inner, default=0.25, metavar="M",
                     help="how far each output must be from ½ (default: 0.25)")  # fmt: skip
    net.add_argument("--attempts", type=positive, default=64, metavar="N",
                     help="starts, trained side by side (default: 64)")  # fmt: skip
    net.add_argument("--steps", type=positive, default=2000, metavar="N",
                     help="of each attempt, at most (default: 2000)")  # fmt: skip
    net.add_argument("--sharpen", nargs="?", type=_inner, const=0.01, metavar="E",
                     help="then raise the gain until every unit is certified to be within E of "
                     "its bit (default E: 0.01)")  # fmt: skip
    net.add_argument("--seed", type=count, default=0, help="default: 0")
    net.add_argument("--time-limit", type=seconds, metavar="SECONDS", help="time for the search")
    net.add_argument("--threads", type=threads, metavar="N", help="default: all processors")


def _add_extract(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="network file, from clearprop circuit "
                        "learn or compile, or from Network.save")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="OUT", help="netlist file; - for standard "
                        "output (default: none, only the report)")  # fmt: skip
    _add_verilog(parser)
    parser.add_argument("--inputs", type=names, metavar="NAMES", help="names of the inputs, with "
                        "commas (default: x1,x2,...)")  # fmt: skip
    parser.add_argument("--outputs", type=names, metavar="NAMES", help="names of the outputs "
                        "(default: y)")  # fmt: skip
    parser.add_argument(
        "--name", help="name of the Verilog module or BLIF model (default: extracted)"
    )
    parser.add_argument("--by", choices=("auto", "neurons", "table"), default="auto",
                        help="by each neuron, or by the truth table (default: auto)")  # fmt: skip
    parser.add_argument("--form", choices=("auto", "cubes", "threshold"), default="auto",
                        help="form of each neuron: a sum of products, or one gate at_least_t "
                        "(default: the smallest)")  # fmt: skip
    parser.add_argument("--time-limit", type=seconds, default=120.0, metavar="SECONDS",
                        help="time for extraction and proof (default: %(default)s)")  # fmt: skip


# Name, help, function that adds the arguments, module and function that runs.
SUBCOMMANDS: tuple[tuple[str, str, Callable[[argparse.ArgumentParser], None], str], ...] = (
    ("gate", "show a gate as neurons, with its soft truth table", _add_gate, "circuit.look:gate"),
    ("show", "show a circuit: ports, gates, neurons, truth table", _add_show, "circuit.look:show"),
    ("draw", "draw a circuit, with soft values on its wires", _add_draw, "circuit.look:draw"),
    (
        "convert",
        "write a circuit as Verilog, .bench, BLIF or AIGER",
        _add_convert,
        "circuit.files:convert",
    ),
    (
        "compile",
        "write a circuit as a layered network of sigmoid neurons",
        _add_compile,
        "circuit.files:compile_",
    ),
    (
        "certify",
        "prove that a circuit of sigmoid neurons is right for every input",
        _add_certify,
        "circuit.proofs:certify",
    ),
    (
        "equal",
        "prove two circuits equal, or find a counterexample",
        _add_equal,
        "circuit.proofs:equal",
    ),
    (
        "threshold",
        "decide whether one neuron is enough: its weights, or why not",
        _add_circuit,
        "circuit.proofs:threshold",
    ),
    (
        "learn",
        "find a small network for a circuit or a truth table by training",
        _add_learn,
        "circuit.learning:learn",
    ),
    (
        "extract",
        "turn a small network into a circuit that is proved to equal it",
        _add_extract,
        "circuit.learning:extract",
    ),
)
