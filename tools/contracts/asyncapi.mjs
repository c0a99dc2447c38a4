// Reads an AsyncAPI document with AsyncAPI's own parser and fails on whatever it says is wrong.
// That every fact stands in it is checked in Go, without npm.
import { fromFile, Parser } from '@asyncapi/parser';

const path = process.argv[2];
const { document, diagnostics } = await fromFile(new Parser(), path).parse();

// 3.1 is out; banks' tools read 3.0.
const faults = diagnostics.filter((d) => d.code !== 'asyncapi-latest-version');
for (const d of faults) {
  console.error(`${path}:${d.range.start.line + 1}: ${d.code} at ${d.path.join('.')}: ${d.message}`);
}
if (!document || faults.length > 0) process.exit(1);
console.log(`${path}: ${document.channels().all().length} channels, ${document.messages().all().length} messages, no faults`);
