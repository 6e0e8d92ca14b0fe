// The errors at the fields of Volto's form, by field, as it makes them of the answer to a
// PATCH that was refused:
//
//     node volto_errors.js < answer
//
// After Volto's Controlpanel.jsx and FormValidation.jsx. A text that it cannot read as
// JSON shows no error at all.
const { readFileSync } = require("node:fs");

function parsed(text) {
  const ways = [
    text,
    text.replace(/'/g, '"'),
    text.replace(/"/g, '\\"').replace(/'/g, '"'),
  ];
  for (const way of ways) {
    try {
      return JSON.parse(way);
    } catch {
      // The next way
    }
  }
  return null;
}

// Stands for the DOM: tags vanish, and character references are replaced
function asHtml(text) {
  return text
    .replace(/<\/?[a-z][^>]*>/gi, "")
    .replace(/&lt;/g, "<")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");
}

const { message } = JSON.parse(readFileSync(0, "utf8"));
const list = parsed(asHtml(message));
const errors = {};
for (const each of Array.isArray(list) ? list : []) {
  errors[each.field] = [...(errors[each.field] ?? []), each.message];
}
process.stdout.write(JSON.stringify(errors));
