// The checks of lessons: conditions on the page's state, such as `loss.test < 0.1 and epoch <= 50`.
//
//   or      := and { "or" and }
//   and     := not { "and" not }
//   not     := "not" not | compare
//   compare := sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
//   sum     := product { ("+" | "-") product }
//   product := unary { ("*" | "/") unary }
//   unary   := "-" unary | primary
//   primary := number | "text" | name | function "(" or { "," or } ")" | "(" or ")"
//
// A name is a number or a setting of the page: kl, y_hat.0, loss.test, hidden.

export type Fact = number | string | boolean | Fact[];
export type Facts = Record<string, Fact>;

/** A parsed condition; `names` are the facts that it needs. */
export interface Condition {
  text: string;
  names: string[];
  /** Throws an Error if the facts lack a name. */
  holds: (facts: Facts) => boolean;
}

type Node = (facts: Facts) => Fact;

const FUNCTIONS: Record<string, (values: number[]) => number> = {
  abs: ([x = NaN]) => Math.abs(x),
  sum: (values) => values.reduce((a, b) => a + b, 0),
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  norm: (values) => Math.hypot(...values),
  count: (values) => values.length,
};

const TOKEN =
  /\s*(?:(\d*\.?\d+(?:e[-+]?\d+)?)|"([^"]*)"|([A-Za-z_][\w]*(?:\.\w+)*)|(<=|>=|==|!=|[-+*/()<>,]))/y;

const COMPARE: Record<string, (a: Fact, b: Fact) => boolean> = {
  "<": (a, b) => Number(a) < Number(b),
  "<=": (a, b) => Number(a) <= Number(b),
  ">": (a, b) => Number(a) > Number(b),
  ">=": (a, b) => Number(a) >= Number(b),
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

const REACH: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

interface Token {
  kind: "number" | "text" | "name" | "sign";
  text: string;
}

/** A condition from its text; throws an Error that quotes what cannot be read. */
export function parse(text: string): Condition {
  const tokens = tokensOf(text);
  const names = new Set<string>();
  let at = 0;

  const peek = (...signs: string[]) =>
    tokens[at] && tokens[at]!.kind !== "text" && signs.includes(tokens[at]!.text);
  const take = (): Token => tokens[at++] ?? fail("it ends too early");
  const fail = (why: string): never => {
    throw new Error(`the check ${JSON.stringify(text)} cannot be read: ${why}`);
  };
  const expect = (sign: string) => {
    if (!peek(sign)) fail(`${sign} is missing`);
    at++;
  };
  /** Operators of one level, from the left. */
  const chain =
    (next: () => Node, signs: string[], join: (sign: string, a: Node, b: Node) => Node) =>
    (): Node => {
      let left = next();
      while (peek(...signs)) left = join(take().text, left, next());
      return left;
    };

  const primary = (): Node => {
    const token = take();
    if (token.kind === "number") return () => Number(token.text);
    if (token.kind === "text") return () => token.text;
    if (token.text === "(") {
      const inner = or();
      expect(")");
      return inner;
    }
    if (token.kind !== "name") return fail(`${token.text} stands where a value is expected`);
    if (!peek("(")) {
      names.add(token.text);
      return (facts) => lookUp(facts, token.text);
    }
    const call = Object.hasOwn(FUNCTIONS, token.text)
      ? FUNCTIONS[token.text]!
      : fail(`there is no function ${token.text}; there are ${Object.keys(FUNCTIONS).join(", ")}`);
    expect("(");
    const given = [or()];
    while (peek(",")) {
      at++;
      given.push(or());
    }
    expect(")");
    return (facts) => call(given.flatMap((node) => reals(node(facts))));
  };
  const unary = (): Node => {
    if (!peek("-")) return primary();
    at++;
    const inner = unary();
    return (facts) => -Number(inner(facts));
  };
  const arithmetic = (sign: string, a: Node, b: Node): Node => (facts) =>
    REACH[sign]!(Number(a(facts)), Number(b(facts)));
  const product = chain(unary, ["*", "/"], arithmetic);
  const sum = chain(product, ["+", "-"], arithmetic);
  const compare = (): Node => {
    const left = sum();
    if (!peek(...Object.keys(COMPARE))) return left;
    const sign = take().text;
    const right = sum();
    return (facts) => COMPARE[sign]!(left(facts), right(facts));
  };
  const not = (): Node => {
    if (!peek("not")) return compare();
    at++;
    const inner = not();
    return (facts) => inner(facts) !== true;
  };
  const and = chain(not, ["and"], (_, a, b) => (facts) => a(facts) === true && b(facts) === true);
  const or = chain(and, ["or"], (_, a, b) => (facts) => a(facts) === true || b(facts) === true);

  const whole = or();
  if (at < tokens.length) fail(`${tokens[at]!.text} is left over`);
  return { text, names: [...names], holds: (facts) => whole(facts) === true };
}

/** A fact by its name; `y_hat.2` is an entry of y_hat. Throws an Error if it is missing. */
export function lookUp(facts: Facts, name: string): Fact {
  if (Object.hasOwn(facts, name)) return facts[name]!;
  const at = name.lastIndexOf(".");
  if (at > 0) {
    const list = lookUp(facts, name.slice(0, at));
    const entry = Array.isArray(list) ? list[Number(name.slice(at + 1))] : undefined;
    if (entry !== undefined) return entry;
  }
  throw new Error(`the page has no ${name} here`);
}

function reals(value: Fact): number[] {
  return Array.isArray(value) ? value.flatMap(reals) : [Number(value)];
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim()) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) {
      const rest = text.slice(start).trim().slice(0, 20);
      throw new Error(`the check ${JSON.stringify(text)} cannot be read at ${rest}`);
    }
    const [, number, quoted, name, sign] = match;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (quoted !== undefined) tokens.push({ kind: "text", text: quoted });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "sign", text: sign! });
  }
  return tokens;
}
