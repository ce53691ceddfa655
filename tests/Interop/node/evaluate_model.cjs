// Evaluates models with onnxruntime-web: modules folder, then one JSON file with [{ model, x, shape }]. Prints the outputs as JSON.
const fs = require("fs");
const path = require("path");

const [modules, requests] = process.argv.slice(2);
const ort = require(path.join(modules, "onnxruntime-web"));

(async () => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const results = [];
  for (const { model, x, shape } of JSON.parse(fs.readFileSync(requests, "utf8"))) {
    const session = await ort.InferenceSession.create(fs.readFileSync(model), { executionProviders: ["wasm"] });
    const outputs = await session.run({ x: new ort.Tensor("float32", Float32Array.from(x), shape) });
    results.push(Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, Array.from(value.data)])));
  }
  console.log(JSON.stringify(results));
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
