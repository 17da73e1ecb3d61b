// Collects the cells of expressions while these are read; the same simplifications as the library's.

import { type Cell, type Circuit, circuit, Cycle } from "./netlist.ts";
import { fault, named } from "./tokens.ts";

const MOST_PLACES = 8;
const INVERTED = ["nand", "nor", "xnor"];

export class Builder {
  private cells: Cell[] = [];
  private prefix: string;
  private nFresh = 0;
  private inverse = new Map<string, string>();
  private constants = new Map<string, string>(); // by kind
  private values = new Map<string, number>(); // 0 or 1 of the nets in it

  constructor(text: string) {
    const runs = text.matchAll(/(?<![\p{L}\p{N}])n(_*)(?=\d)/gu); // new nets get names of their own
    const used = new Set([...runs].map((run) => run[1]!.length));
    let k = 0;
    while (used.has(k)) k++;
    this.prefix = `n${"_".repeat(k)}`;
  }

  /** Add a cell as it is; its output. */
  private add(kind: string, inputs: string[], output: string): string {
    this.cells.push({ output, kind, inputs });
    if (kind === "not" && !this.inverse.has(inputs[0]!)) this.inverse.set(inputs[0]!, output);
    return output;
  }

  private fresh(): string {
    return `${this.prefix}${++this.nFresh}`;
  }

  /** A net that is always 0 or always 1; without an output, one net for the whole circuit. */
  constant(value: number, output?: string): string {
    const kind = `const${value}`;
    if (output !== undefined) return this.add(kind, [], output);
    if (!this.constants.has(kind)) {
      const net = this.add(kind, [], this.fresh());
      this.constants.set(kind, net);
      this.values.set(net, value);
    }
    return this.constants.get(kind)!;
  }

  /** NOT of a net; without an output, one cell for the whole circuit. */
  invert(net: string, output?: string): string {
    const value = this.values.get(net);
    if (value !== undefined) return this.constant(1 - value, output);
    if (output !== undefined) return this.add("not", [net], output);
    return this.inverse.get(net) ?? this.add("not", [net], this.fresh());
  }

  /** Add a gate, simplified if inputs are constant; with one input it becomes a wire or NOT. */
  gate(wanted: string, given: string[], output?: string): string {
    const [kind, inputs] = given.some((net) => this.values.has(net))
      ? this.simplified(wanted, given)
      : [wanted, given];
    if (kind === "const") return this.constant(Number(inputs[0]), output);
    if (inputs.length > 1) return this.add(kind, inputs, output ?? this.fresh());
    const net = inputs[0]!;
    if (INVERTED.includes(kind) || kind === "not") return this.invert(net, output);
    if (output === undefined) return net;
    const value = this.values.get(net);
    return value === undefined ? this.add("buf", [net], output) : this.constant(value, output);
  }

  private simplified(kind: string, inputs: string[]): [string, string[]] {
    const values = this.values;
    if (kind === "mux") {
      const s = values.get(inputs[0]!);
      return s === undefined ? ["mux", inputs] : ["buf", [inputs[1 + s]!]];
    }
    if (kind === "buf") return [kind, inputs];
    const inverted = Number(INVERTED.includes(kind));
    const left = inputs.filter((net) => !values.has(net));
    const ones = inputs.filter((net) => values.get(net) === 1).length;
    if (kind === "xor" || kind === "xnor") {
      const odd = (ones + inverted) % 2;
      return left.length ? [odd ? "xnor" : "xor", left] : ["const", [String(odd)]];
    }
    const decides = kind === "and" || kind === "nand" ? 0 : 1; // the value that settles the gate
    const zeros = inputs.length - left.length - ones;
    if (decides ? ones : zeros) return ["const", [String(decides ^ inverted)]];
    return left.length ? [kind, left] : ["const", [String((1 - decides) ^ inverted)]];
  }

  /** The circuit, without constants that nothing reads any more; throws an Error for a cycle. */
  circuit(inputs: string[], outputs: string[]): Circuit {
    const read = new Set([...outputs, ...this.cells.flatMap((cell) => cell.inputs)]);
    const idle = new Set([...this.constants.values()].filter((net) => !read.has(net)));
    const cells = this.cells.filter((cell) => !idle.has(cell.output));
    try {
      return circuit(inputs, outputs, cells);
    } catch (error) {
      if (!(error instanceof Cycle)) throw error;
      const { nets, message } = error;
      const lines = nets.slice(0, MOST_PLACES).map((net) => `${named(net)} 1`);
      const more = nets.length > MOST_PLACES ? `, … ${nets.length - MOST_PLACES} more` : "";
      const drivers = `lines of the drivers: ${lines.join(", ")}${more}`;
      throw new Error(
        `${fault(message).message}; ${nets.length > 1 ? drivers : "the driver is in line 1"}`,
      );
    }
  }
}
