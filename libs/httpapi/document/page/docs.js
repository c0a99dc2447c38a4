// Renders ./openapi.json. Everything is built from text nodes: nothing in the document is ever run or parsed as HTML.
"use strict";

let api;

function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) e[k] = v;
  e.append(...children.filter((c) => c !== undefined && c !== null));
  return e;
}

function resolve(schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.replace(/^#\//, "").split("/").reduce((at, part) => at[part], api);
}

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const types = [].concat(schema.type || "any").filter((t) => t !== "null");
  if (types[0] === "array") return "list of " + typeOf(schema.items || {});
  return types.join(" or ") + (schema.format ? " (" + schema.format + ")" : "");
}

function rules(schema) {
  const said = [];
  if (schema.enum) said.push("one of: " + schema.enum.filter((v) => v !== null).join(", "));
  for (const k of ["minLength", "maxLength", "pattern", "minimum", "maximum", "minItems", "maxItems", "default"]) {
    if (schema[k] !== undefined) said.push(k + " " + schema[k]);
  }
  return said.join("; ");
}

function said(...parts) {
  return parts.filter(Boolean).map((part) => part.replace(/\.$/, "")).join(". ");
}

function table(rows) {
  return make("table", {}, make("thead", {}, make("tr", {}, ...["name", "type", "", ""].map((h) => make("th", {}, h)))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((c) => make("td", {}, c || ""))))));
}

// fields lists the members of an object, and those of the objects within it.
function fields(schema, prefix, depth) {
  schema = resolve(schema);
  if (schema.items) return fields(schema.items, prefix + "[]", depth);
  const rows = [];
  for (const [name, property] of Object.entries(schema.properties || {})) {
    const at = prefix ? prefix + "." + name : name;
    const full = resolve(property);
    rows.push([make("code", {}, at), typeOf(property),
      (schema.required || []).includes(name) ? "required" : "optional",
      said(property.description || full.description, rules(full))]);
    if (depth < 4 && (full.properties || full.items)) rows.push(...fields(full, at, depth + 1));
  }
  return rows;
}

// sample makes a body to start from.
function sample(schema, depth) {
  schema = resolve(schema);
  if (schema.examples) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  switch ([].concat(schema.type)[0]) {
    case "object": {
      const o = {};
      for (const [name, p] of Object.entries(schema.properties || {})) {
        if (depth < 5 && (schema.required || []).includes(name)) o[name] = sample(p, depth + 1);
      }
      return o;
    }
    case "array": return [sample(schema.items, depth + 1)];
    case "integer": return schema.minimum || 0;
    case "boolean": return false;
  }
  if (schema.format === "date") return new Date().toISOString().slice(0, 10);
  if (schema.format === "date-time") return new Date().toISOString();
  return "";
}

function section(title, content) {
  return content ? [make("h4", {}, title), content] : [];
}

function schemaSection(title, schema) {
  const rows = fields(schema, "", 0);
  return section(title, rows.length ? table(rows) : make("p", {}, typeOf(schema)));
}

function tryOut(method, path, operation) {
  const inputs = (operation.parameters || []).map((p) => {
    const value = p.name === "Idempotency-Key" ? crypto.randomUUID() : "";
    return { p, input: make("input", { value, size: 40, ariaLabel: p.name }) };
  });
  const content = (operation.requestBody || {}).content || {};
  const body = content["application/json"]
    ? make("textarea", { rows: 12, spellcheck: false, ariaLabel: "body", value: JSON.stringify(sample(content["application/json"].schema, 0), null, 1) })
    : null;
  const out = make("pre", { hidden: true });
  const send = make("button", { type: "button" }, "Send");
  send.addEventListener("click", async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    const token = document.getElementById("token").value;
    if (token) headers.Authorization = "Bearer " + token;
    for (const { p, input } of inputs) {
      if (p.in === "path") url = url.replace("{" + p.name + "}", encodeURIComponent(input.value));
      if (p.in === "query" && input.value) query.append(p.name, input.value);
      if (p.in === "header" && input.value) headers[p.name] = input.value;
    }
    if (body) headers["Content-Type"] = "application/json";
    out.hidden = false;
    out.textContent = "…";
    try {
      const r = await fetch(url + (query.size ? "?" + query : ""), { method, headers, body: body ? body.value : undefined });
      const text = await r.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 1); } catch { /* no JSON: shown as it is */ }
      const noted = ["songan-position", "idempotent-replay", "retry-after", "etag", "songan-request"]
        .filter((h) => r.headers.get(h)).map((h) => h + ": " + r.headers.get(h)).join("\n");
      out.textContent = r.status + " " + r.statusText + "\n" + noted + "\n\n" + shown;
    } catch (e) { out.textContent = String(e); }
  });
  return make("div", {}, ...inputs.map(({ p, input }) => make("p", {}, make("label", {}, p.name + " ", input))), body, make("p", {}, send), out);
}

function operation(method, path, op) {
  const problem = make("p", {}, "Refusals are application/problem+json; see the end of the page.");
  const parameters = (op.parameters || []).map((p) => [make("code", {}, p.name), p.in + ", " + typeOf(p.schema || {}),
    p.required ? "required" : "optional", said(p.description, rules(p.schema || {}))]);
  const [status, answer] = Object.entries(op.responses).find(([code]) => code.startsWith("2")) || ["", {}];
  const details = make("details", { className: "operation" },
    make("summary", {}, make("span", { className: "method " + method }, method), make("span", { className: "path" }, path), make("span", {}, op.summary || "")));
  details.id = op.operationId;
  details.dataset.text = [method, path, op.summary, op.description].join(" ").toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.dataset.done) return;
    details.dataset.done = "yes";
    const bodies = Object.entries((op.requestBody || {}).content || {});
    const answers = Object.entries(answer.content || {});
    details.append(
      make("p", { className: "note" }, op.description || ""),
      ...section("Parameters", parameters.length ? table(parameters) : null),
      ...bodies.flatMap(([type, media]) => schemaSection("Body: " + type, media.schema)),
      ...answers.flatMap(([type, media]) => schemaSection("Answer " + status + ": " + type, media.schema)),
      problem, make("h4", {}, "Try it"), tryOut(method, path, op));
  });
  return details;
}

async function start() {
  const main = document.getElementById("main");
  try {
    api = await (await fetch("openapi.json")).json();
  } catch (e) {
    main.replaceChildren(make("p", {}, "The document could not be loaded: " + e));
    return;
  }
  document.title = api.info.title;
  document.getElementById("title").textContent = api.info.title;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of ["get", "post", "put", "patch", "delete"]) {
      if (!item[method]) continue;
      const tag = (item[method].tags || [""])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(method.toUpperCase(), path, item[method]));
    }
  }
  main.replaceChildren(make("p", { className: "note" }, (api.info.description || "").replace(/[*`]/g, "").trim()),
    ...[...groups].flatMap(([tag, operations]) => [make("h2", {}, tag), ...operations]),
    make("h2", {}, "Problem"), table(fields(Object.values(api.components.responses.Problem.content)[0].schema, "", 0)));
  const wanted = document.getElementById(location.hash.slice(1)); // docs#postNotices opens there
  if (wanted) {
    wanted.open = true;
    wanted.scrollIntoView();
  }
  document.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const d of document.querySelectorAll("details.operation")) d.hidden = !d.dataset.text.includes(wanted);
  });
}

start();
