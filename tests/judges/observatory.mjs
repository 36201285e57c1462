// NODE_EXTRA_CA_CERTS=CERTIFICATE node observatory.mjs PACKAGES HOST:PORT
//
// Grades a server with the code of the MDN HTTP Observatory, from the npm packages in the folder
// PACKAGES, and prints `{"score", "grade", "tests": [{"name", "modifier", "result"}]}`.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [packages, site] = process.argv.slice(2);
const entry = createRequire(path.join(packages, "package.json")).resolve("@mdn/mdn-http-observatory");

// The package downloads the browsers' list of HTTPS-only domains when it is installed, and will not
// run without one. Nothing on this machine is on the list.
const preloaded = path.join(path.dirname(entry), "../conf/hsts-preload.json");
if (!fs.existsSync(preloaded)) fs.writeFileSync(preloaded, "{}");

const { scan } = await import(pathToFileURL(entry));
const { scan: outcome, tests } = await scan(site);
console.log(
  JSON.stringify({
    algorithm: outcome.algorithmVersion,
    score: outcome.score,
    grade: outcome.grade,
    tests: Object.entries(tests).map(([name, test]) => ({
      name,
      modifier: test.scoreModifier,
      result: test.result,
    })),
  }),
);
