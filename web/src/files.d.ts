// What the build makes of imported files that are not TypeScript.

declare module "*.css";

/** An address that holds the picture. */
declare module "*.svg" {
  const address: string;
  export default address;
}

/** base64 of the deflated bytes; build.mjs says how. */
declare module "*.wasm" {
  const packed: string;
  export default packed;
}
