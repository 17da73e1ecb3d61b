// Builds the page into the package, or with --out FOLDER elsewhere; --watch builds at each change.
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context, build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf("--out");
const out =
  at < 0 ? join(here, "../src/clearprop/playground/static") : process.argv[at + 1];

// Their licences ask to be wherever their code is.
const licences = await Promise.all(
  ["preact", "uplot"].map(async (name) => {
    const text = await readFile(join(here, "node_modules", name, "LICENSE"), "utf8");
    return `${name}:\n\n${text.trim()}`;
  }),
);

const options = {
  absWorkingDir: here,
  entryPoints: { page: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: `/*\nThis file contains\n\n${licences.join("\n\n")}\n*/` },
  logLevel: "warning",
};

await mkdir(out, { recursive: true });
for (const name of ["index.html", "favicon.svg"]) {
  await copyFile(join(here, "src", name), join(out, name));
}
if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
}
