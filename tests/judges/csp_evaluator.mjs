// node csp_evaluator.mjs PACKAGES POLICY
//
// Judges a Content-Security-Policy with Google's CSP Evaluator, from the npm packages in the folder
// PACKAGES, and prints its findings: `[{"severity", "name", "directive", "value", "description"}]`.
// The lower the severity, the worse the finding: HIGH 10, SYNTAX 20, MEDIUM 30.
import { createRequire } from "node:module";
import path from "node:path";

const [packages, policy] = process.argv.slice(2);
const require = createRequire(path.join(packages, "package.json"));
const { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } = require("csp_evaluator/dist/evaluator.js");
const { CspParser } = require("csp_evaluator/dist/parser.js");
const { Severity } = require("csp_evaluator/dist/finding.js");

// The checks for a strict policy look at the policy as it is written, the others at what it means.
const findings = new CspEvaluator(new CspParser(policy).csp).evaluate(STRICTCSP_CHECKS, DEFAULT_CHECKS);
console.log(
  JSON.stringify(
    findings.map(({ severity, directive, value, description }) => ({
      severity,
      name: Severity[severity],
      directive,
      value,
      description,
    })),
  ),
);
