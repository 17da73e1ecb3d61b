// Lists the texts that a translation lacks, and those that it has in vain: node texts.mjs [--check].
// Without --check the missing ones are added to each table, to be filled in; an empty text is missing.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");

/** The text literals in the first argument of each call of t, also under another name: "t as text". */
function literals(text) {
  const found = [];
  const name = /\bt as (\w+)[^;]*text\.ts"/.exec(text)?.[1] ?? "t";
  for (const { index } of text.matchAll(new RegExp(`(?<![\\w.$])${name}\\(`, "g"))) {
    let depth = 0;
    for (let at = index + name.length; at < text.length; at++) {
      const c = text[at];
      if (c === '"') {
        const end = at + /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at))[0].length;
        if (!/^\s*[=!]==|[=!]==\s*$/.test(text.slice(end, end + 5)) && !/[=!]==\s*$/.test(text.slice(0, at)))
          found.push(JSON.parse(text.slice(at, end)));
        at = end - 1;
      } else if ("([{".includes(c)) depth++;
      else if (")]}".includes(c) && --depth === 0) break;
      else if (c === "," && depth === 1) break;
    }
  }
  return found;
}

async function texts() {
  const files = (await readdir(source, { recursive: true })).filter((name) => /\.tsx?$/.test(name));
  const calls = await Promise.all(
    files.map(async (name) => literals(await readFile(join(source, name), "utf8"))),
  );
  const { outputFiles } = await build({
    entryPoints: [join(source, "texts/data.ts")],
    bundle: true,
    write: false,
    format: "esm",
    loader: { ".wasm": "empty", ".svg": "empty" },
    logLevel: "error",
  });
  const bundle = Buffer.from(outputFiles[0].contents).toString("base64");
  const { dataTexts } = await import(`data:text/javascript;base64,${bundle}`);
  return [...new Set([...calls.flat(), ...dataTexts()])].filter((text) => /\p{L}{2}/u.test(text)).sort();
}

const wanted = await texts();
const placeholders = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
let faults = 0;
for (const name of (await readdir(join(source, "texts"))).filter((name) => name.endsWith(".json"))) {
  const path = join(source, "texts", name);
  const table = JSON.parse(await readFile(path, "utf8"));
  const missing = wanted.filter((text) => !table[text]);
  const vain = Object.keys(table).filter((text) => !wanted.includes(text));
  const wrong = wanted.filter((text) => table[text] && placeholders(table[text]) !== placeholders(text));
  console.log(
    `${name}: ${wanted.length} texts, ${missing.length} missing, ${vain.length} in vain, ` +
      `${wrong.length} with other {names}`,
  );
  if (process.argv.includes("--check")) {
    for (const text of [...missing, ...vain, ...wrong]) console.log(`  ${JSON.stringify(text)}`);
    faults += missing.length + vain.length + wrong.length;
  } else {
    const sorted = Object.fromEntries(wanted.map((text) => [text, table[text] ?? ""]));
    await writeFile(path, JSON.stringify(sorted, null, 1) + "\n");
  }
}
process.exitCode = faults ? 1 : 0;
