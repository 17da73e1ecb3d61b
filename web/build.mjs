// Builds the page into the package, or with --out FOLDER elsewhere; --watch builds at each change.
//
// page.html is one file: script, style, icon and engine stand in it, and its content security policy
// allows nothing else.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context, build } from "esbuild";
import { deflateSync } from "fflate";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--out");
const out =
  at < 0 ? join(here, "../src/clearprop/playground/static") : process.argv[at + 1];

// Their licences ask to be wherever their code is.
const licences = await Promise.all(
  ["preact", "uplot", "fflate", "papaparse"].map(async (name) => {
    const text = await readFile(join(here, "node_modules", name, "LICENSE"), "utf8");
    return `${name}:\n\n${text.trim()}`;
  }),
);

/**
 * A .wasm is imported as a text: base64 of its bytes, deflated without a header. Node's own deflate
 * gives other bytes with other versions and processors.
 */
const packed = {
  name: "packed",
  setup(build) {
    build.onLoad({ filter: /\.wasm$/ }, async ({ path }) => ({
      contents: Buffer.from(deflateSync(await readFile(path), { level: 9 })).toString("base64"),
      loader: "text",
    }));
  },
};

/** Puts the parts of the page into one file. */
const oneFile = {
  name: "one file",
  setup(build) {
    build.onEnd(async ({ outputFiles }) => {
      if (!outputFiles?.length) return; // esbuild has said why
      const part = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
      const script = `\n${part(".js").replace(/<(?=\/script|!--)/gi, "\\x3c")}`;
      const icon = await readFile(join(here, "src/favicon.svg"), "base64");
      const policy = [
        "default-src 'none'",
        `script-src 'sha256-${createHash("sha256").update(script).digest("base64")}' 'wasm-unsafe-eval'`,
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "font-src data:",
        "connect-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
      ].join("; ");
      const parts = {
        policy,
        icon: `data:image/svg+xml;base64,${icon}`,
        style: part(".css"),
        script,
      };
      const template = await readFile(join(here, "src/page.html"), "utf8");
      const whole = template.replace(/\{(policy|icon|style|script)\}/g, (_, name) => parts[name]);
      await writeFile(join(out, "page.html"), whole);
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: { page: "src/page.tsx" },
  outdir: out,
  write: false,
  plugins: [packed, oneFile],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  loader: { ".svg": "dataurl" },
  banner: { js: `/*\nThis file contains\n\n${licences.join("\n\n")}\n*/` },
  logLevel: "warning",
};

await mkdir(out, { recursive: true });
if (process.argv.includes("--watch")) await (await context(options)).watch();
else await build(options);
