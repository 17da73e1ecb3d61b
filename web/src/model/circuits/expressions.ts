// Logic written as expressions, "s = a ^ b; c = a & b", as a circuit: operators by precedence.

import { Builder } from "./builder.ts";
import type { Circuit } from "./netlist.ts";
import {
  fault,
  isDigit,
  isName,
  named,
  type Net,
  readNet,
  readNumber,
  repr,
  single,
  tokenize,
  unexpected,
} from "./tokens.ts";

const UNARY = 8;
const BINARY: Record<string, number> = {
  "==": 7, "!=": 7, "&": 6, "^": 5, "~^": 5, "^~": 5, "|": 4, "&&": 3, "||": 2,
};
const TERNARY = 1;
const WORDS: Record<string, string> = { not: "~", and: "&", or: "|", xor: "^" };
for (const [word, symbol] of Object.entries(WORDS)) WORDS[word.toUpperCase()] = symbol;
const KINDS: Record<string, string> = { "&": "and", "|": "or", "^": "xor", "&&": "and", "||": "or" };
const INVERSE: Record<string, string> = { and: "nand", or: "nor", xor: "xnor" };

/** One operation on the nodes `parts`, or a leaf: "net", or a number 0 or 1. */
interface Node {
  op: string; // "" after a longer chain has taken over the parts
  parts: number[];
  net?: Net;
  value?: number;
  large?: string; // the token of a number that is not a bit
  inverted?: boolean;
}

/** The circuit of expressions; throws an Error for a text that cannot be read. */
export function parse(text: string): Circuit {
  const words = tokenize(text);
  const builder = new Builder(text);
  const used = new Set<string>();
  const given = new Set<string>();
  let at = 0;
  while (words[at]) {
    if (words[at] === ";") {
      at++;
      continue;
    }
    if (!isName(words[at]!) || Object.hasOwn(WORDS, words[at]!))
      throw unexpected(words[at]!, "the name of a net");
    const [target, after] = readNet(words, at);
    const net = single(target);
    if (words[after] !== "=") throw unexpected(words[after]!, `'=' after ${repr(net)}`);
    if (given.has(net)) throw fault(`${repr(net)} is assigned twice, first in line 1`);
    given.add(net);
    const [nodes, end] = new Reader(words).read(after + 1);
    for (const { large } of nodes)
      if (large !== undefined) throw fault(`constants are 0 and 1; got ${named(large)}`);
    for (const { net: read } of nodes) if (read) used.add(single(read));
    emit(nodes, builder, net);
    at = end;
    if (words[at] !== ";" && words[at]) throw unexpected(words[at]!, "an operator or ';'");
  }
  if (!given.size) throw fault("there is no expression");
  const inputs = [...used].filter((net) => !given.has(net));
  return builder.circuit(inputs, [...given].filter((net) => !used.has(net)));
}

/** Make the cells of an expression, the last of which drives the net. */
function emit(nodes: Node[], builder: Builder, target: string): void {
  const values: string[] = [];
  nodes.forEach((node, i) => {
    const output = i === nodes.length - 1 ? target : undefined;
    values.push(value(node, node.parts.map((part) => values[part]!), builder, output));
  });
}

function value(node: Node, parts: string[], builder: Builder, output?: string): string {
  const { op, inverted } = node;
  if (op === "net") {
    const { name } = node.net!;
    return output === undefined ? name : builder.gate("buf", [name], output);
  }
  if (op === "number") return builder.constant(node.value!, output);
  if (op === "~" || op === "!") return builder.invert(parts[0]!, output);
  if (op === "==") return builder.gate(inverted ? "xor" : "xnor", parts, output);
  if (op === "?") {
    // the last branch, then branch and condition in turn; the last pair decides first
    let net = parts[0]!;
    for (let k = 1; k < parts.length; k += 2)
      net = builder.gate("mux", [parts[k + 1]!, net, parts[k]!], k + 2 === parts.length ? output : undefined);
    return net;
  }
  if (op === "") return "";
  const kind = KINDS[op]!;
  return builder.gate(inverted ? INVERSE[kind]! : kind, parts, output);
}

/** Operator precedence with two stacks. */
class Reader {
  private nodes: Node[] = [];
  private operands: number[] = [];
  private closed = new Set<number>(); // nodes in parentheses, which no chain continues
  private operators: [symbol: string, precedence: number][] = [];

  constructor(private words: string[]) {}

  /** The nodes of the expression that begins at a token, and the first token after it. */
  read(from: number): [Node[], number] {
    let [at, wanted] = [from, true];
    for (; ; at++) {
      const word = this.words[at]!;
      const token = Object.hasOwn(WORDS, word) ? WORDS[word]! : word;
      if (wanted) {
        [wanted, at] = this.operand(token, at);
        continue;
      }
      if (Object.hasOwn(BINARY, token)) {
        this.reduce(BINARY[token]!);
        this.operators.push([token, BINARY[token]!]);
        wanted = true;
      } else if (token === "?") {
        this.reduce(TERNARY + 1);
        this.operators.push(["?", 0]);
        wanted = true;
      } else if (token === ":" || token === ")" || token === "}" || token === ",") {
        this.reduce(TERNARY);
        const top = this.operators.at(-1)?.[0];
        if (token === ":" && top === "?") {
          this.operators.pop();
          this.operators.push(["?:", TERNARY]);
          wanted = true;
        } else if (token === ")" && top === "(") {
          this.operators.pop();
          this.closed.add(this.operands.at(-1)!);
        } else break;
      } else break;
    }
    this.reduce(TERNARY);
    const open = this.operators.at(-1)?.[0];
    if (open) throw unexpected(this.words[at]!, `an operator or ${open === "(" ? "')'" : "':'"}`);
    return [this.nodes, at];
  }

  /** Read a token where an operand is expected: whether one still is, and the last token read. */
  private operand(token: string, at: number): [boolean, number] {
    if (token === "~" || token === "!" || token === "(") {
      this.operators.push(token === "(" ? ["(", 0] : [`u${token}`, UNARY]);
      return [true, at];
    }
    const word = this.words[at]!;
    if (isDigit(token) || token.startsWith("'")) {
      const { value, width } = readNumber(word);
      const large = value > 1n || (width ?? 1) > 1 ? word : undefined;
      this.add({ op: "number", parts: [], value: Number(value), large });
      return [false, at];
    }
    if (isName(token)) {
      const [net, after] = readNet(this.words, at);
      this.add({ op: "net", parts: [], net });
      return [false, after - 1];
    }
    throw unexpected(word, "a net, a number, '(' or an operator such as '~'");
  }

  private add(node: Node): void {
    this.nodes.push(node);
    this.operands.push(this.nodes.length - 1);
  }

  /** Apply the operators on the stack that bind at least this tightly. */
  private reduce(precedence: number): void {
    while (this.operators.length && this.operators.at(-1)![1] >= precedence) {
      const [symbol] = this.operators.pop()!;
      const right = this.operands.pop()!;
      const node = this.nodes[right]!;
      if (symbol[0] === "u") {
        if (symbol === "u~" && "&|^".includes(node.op) && node.op) {
          node.inverted = !node.inverted; // ~(a & b) is one NAND
          this.operands.push(right);
        } else this.add({ op: symbol.slice(1), parts: [right] });
      } else if (symbol === "?:") {
        const [then, condition] = [this.operands.pop()!, this.operands.pop()!];
        this.add({ op: "?", parts: [...(this.chain(right, "?") ?? [right]), then, condition] });
      } else if (symbol === "==" || symbol === "!=") {
        this.add({ op: "==", parts: [this.operands.pop()!, right], inverted: symbol === "!=" });
      } else {
        const left = this.operands.pop()!;
        const op = symbol.includes("^") ? "^" : symbol;
        const before = this.nodes[left]!.inverted ?? false;
        const chain = this.chain(left, op);
        const inverted = symbol.includes("~") !== (chain ? before : false);
        this.add({ op, parts: [...(chain ?? [left]), right], inverted });
      }
    }
  }

  /** The operands of a node, taken over from it if it is an `op` without parentheses. */
  private chain(i: number, op: string): number[] | null {
    const node = this.nodes[i]!;
    if (node.op !== op || this.closed.has(i)) return null;
    const { parts } = node;
    Object.assign(node, { op: "", parts: [] });
    return parts;
  }
}
