// What Volto's form for a control panel sends when somebody presses Save:
//
//     node volto_panel.js '{"window": 3}' < answer-of-GET
//
// The argument is what the person has typed, by field.
const { readFileSync } = require("node:fs");

const panel = JSON.parse(readFileSync(0, "utf8"));
const typed = JSON.parse(process.argv[2]);
const properties = Object.entries(panel.schema.properties);
const defaults = Object.fromEntries(
  properties.map(([name, property]) => [name, property.default]),
);
const data = { ...defaults, ...panel.data };
for (const [name, value] of Object.entries(typed)) {
  // As in its onChangeField: an input that is empty becomes null
  data[name] = value || value === false ? value : null;
}
process.stdout.write(JSON.stringify(data));
