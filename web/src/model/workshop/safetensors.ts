// clearprop's files: safetensors with one JSON document in the metadata, as clearprop/persistence.py.
//
// A file is 8 bytes with the length of a header, the header (JSON: tensors by name with their type,
// shape and place, and "__metadata__"), and the bytes of the tensors. Nothing in a file is run.

export type Tensor = { dtype: "F64"; shape: number[]; data: Float64Array } | { dtype: "U8"; shape: number[]; data: Uint8Array };

const FORMAT = 1;
const LONG_FORMAT = 2; // the document is the tensor of this name
const DOCUMENT = "document";
const MOST_HEADER = 2 ** 26;
const SIZES: Record<string, number> = { F64: 8, F32: 4, I64: 8, I32: 4, U32: 4, U8: 1, BOOL: 1 };
const DAMAGED = "not a model file, or a truncated or damaged one";

/** The bytes of a file. The document must not have the keys format and kind. */
export function writeFile(
  kind: string,
  document: Record<string, unknown>,
  tensors: Record<string, Tensor>,
): Uint8Array {
  // numbers of 8 bytes first, so that each lies at a multiple of its size
  const entries = Object.entries(tensors).sort(
    ([a, one], [b, two]) => SIZES[two.dtype]! - SIZES[one.dtype]! || (a < b ? -1 : 1),
  );
  let end = 0;
  const header: Record<string, unknown> = {
    __metadata__: { clearprop: JSON.stringify({ format: FORMAT, kind, ...document }) },
  };
  for (const [name, { dtype, shape, data }] of entries)
    header[name] = { dtype, shape, data_offsets: [end, (end += data.byteLength)] };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(32, 8, 8 + length); // spaces
  bytes.set(text, 8);
  let at = 8 + length;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** The document and the tensors of a file of this kind; an Error, naming the file, for any other. */
export function readFile(
  bytes: Uint8Array,
  kind: string,
  name: string,
): { document: Record<string, unknown>; tensors: Map<string, Tensor> } {
  const fail = (why: string): never => {
    throw new Error(`${name}: ${why}`);
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Infinity;
  if (length > Math.min(bytes.length - 8, MOST_HEADER)) fail(DAMAGED);
  const header = parse(bytes.subarray(8, 8 + length)) ?? fail(DAMAGED);
  const metadata = header.__metadata__ as Record<string, unknown> | undefined;
  if (typeof metadata?.clearprop !== "string")
    fail("a safetensors file, but not one written by clearprop");
  const data = bytes.subarray(8 + length);
  const tensors = new Map<string, Tensor>();
  for (const [key, entry] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const tensor = tensorOf(entry, data) ?? fail(`${DAMAGED}: ${key.slice(0, 60)}`);
    tensors.set(key, tensor);
  }
  let document = parse(metadata!.clearprop as string) ?? fail(DAMAGED);
  const format = document.format as number;
  if (!Number.isInteger(format) || format < 1) fail(DAMAGED);
  if (format > LONG_FORMAT)
    fail(`written by a newer clearprop (file format ${format}, this one reads ${LONG_FORMAT})`);
  if (format === LONG_FORMAT) {
    document = parse(tensors.get(DOCUMENT)?.data as Uint8Array) ?? fail(DAMAGED);
    tensors.delete(DOCUMENT);
  }
  if (document.kind !== kind)
    fail(`holds ${JSON.stringify(document.kind)?.slice(0, 60)}, not "${kind}"`);
  const { format: _, kind: __, ...rest } = document;
  return { document: rest, tensors };
}

function tensorOf(entry: unknown, bytes: Uint8Array): Tensor | null {
  if (!isRecord(entry)) return null;
  const { dtype, shape, data_offsets: place } = entry;
  if (typeof dtype !== "string" || !Array.isArray(shape) || !Array.isArray(place)) return null;
  const [start, end] = place as number[];
  const n = (shape as number[]).reduce((a, b) => a * b, 1);
  const fits = Number.isInteger(start) && start! >= 0 && end! <= bytes.length;
  if (!fits || !(dtype in SIZES) || n * SIZES[dtype]! !== end! - start!) return null;
  const own = bytes.slice(start, end);
  if (dtype === "F64") return { dtype, shape, data: new Float64Array(own.buffer) };
  if (dtype === "U8") return { dtype, shape, data: own };
  return { dtype: "U8", shape, data: own }; // of a type that the page does not read
}

/** The JSON object of a text; null for anything else. */
function parse(text: string | Uint8Array | undefined): Record<string, unknown> | null {
  if (text === undefined) return null;
  try {
    const whole = typeof text === "string" ? text : new TextDecoder("utf-8", { fatal: true }).decode(text);
    const value = JSON.parse(whole);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A tensor of float64 numbers. */
export function numbers(data: Float64Array, ...shape: number[]): Tensor {
  return { dtype: "F64", shape, data };
}
