// Appended to a bundle to learn what it declares: replaces the function by an action that answers the
// function's plain fields, its schemas as JSON Schema, and the names of its members that are functions.
(() => {
  const definition = module.exports.default;
  const plain = (value) => {
    const text = JSON.stringify(value);
    return text === undefined ? undefined : JSON.parse(text);
  };
  const isSchema = (value) => typeof value === "object" && value !== null && "_zod" in value;
  const convert = (schema) => {
    if (schema._zod.def.type === "void") return { type: "null" };
    return require("zod").toJSONSchema(schema, {
      target: "draft-7",
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema._zod.def.type === "date") {
          jsonSchema.type = "string";
          jsonSchema.format = "date-time";
        }
      },
    });
  };
  const describe = () => {
    const out = { kind: "", fields: {}, schemas: {}, models: {}, functions: [], failures: [] };
    if (typeof definition !== "object" || definition === null) return out;
    const attempt = (name, schema, into) => {
      try {
        if (!isSchema(schema)) throw new Error("it is not a Zod schema (of Zod 4)");
        into[name] = convert(schema);
      } catch (error) {
        out.failures.push({ name, message: String((error && error.message) || error) });
      }
    };
    out.kind = String(definition.type);
    for (const [name, value] of Object.entries(definition)) {
      if (name === "type" || value === undefined) continue;
      if (typeof value === "function") out.functions.push(name);
      else if (name === "models") for (const [model, schema] of Object.entries(value || {})) attempt(model, schema, out.models);
      else if (["input", "output", "metadata", "checkpoint"].includes(name)) attempt(name, value, out.schemas);
      else if (name === "data" && value && typeof value === "object") {
        for (const [model, schema] of Object.entries(value.models || {})) attempt(model, schema, out.models);
        for (const part of ["metadata", "checkpoint"]) if (value[part] !== undefined) attempt(part, value[part], out.schemas);
      } else out.fields[name] = plain(value);
    }
    return out;
  };
  module.exports = { __esModule: true, default: { type: "action", exec: async () => describe() } };
})();
