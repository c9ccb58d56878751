// Definitions for the compiler: what the bundle exports, and JSON Schemas of its Zod types (functions.md §2).

function jsonSchema(schema) {
    const zod = native.zod();
    const converted = zod.toJSONSchema(schema, {
        target: 'draft-7',
        unrepresentable: 'any',
        override: ({ zodSchema, jsonSchema: made }) => {
            const type = zodSchema._zod.def.type;
            if (type === 'date') {
                made.type = 'string';
                made.format = 'date-time';
            }
        }
    });
    delete converted.$schema;
    return schema._zod?.def?.type === 'void' ? { type: 'null' } : converted;
}

function modelName(prefix, integration, name) {
    return `${prefix}_${integration.replace(/[^a-zA-Z0-9]/g, '_')}_${name.replace(/[^a-zA-Z0-9]/g, '')}`;
}

function isSchema(value) {
    return typeof value === 'object' && value !== null && '_zod' in value;
}

function textOr(value, otherwise) {
    return typeof value === 'string' ? value : otherwise;
}

function endpointOf(value) {
    return { method: value.method, path: value.path, ...(value.group === undefined ? {} : { group: value.group }) };
}

function describeDefinition(integration, name, exports) {
    const definition = exports.default;
    if (typeof definition === 'function') return { type: 'legacy', hasWebhook: typeof exports.onWebhookPayloadReceived === 'function' };
    if (!isPlain(definition)) throw new Error('The default export is not a function definition');
    const definitions = {};
    const faults = [];
    // `field` is where the author wrote it: names of members, from the outside in.
    const add = (model, schema, field) => {
        if (isSchema(schema)) definitions[model] = jsonSchema(schema);
        else faults.push({ field, missing: schema === undefined, message: `'${model}' is not a Zod schema` });
        return model;
    };
    const addOptional = (prefix, schema, field) => (schema === undefined || schema === null ? null : add(modelName(prefix, integration, name), schema, field));
    const result = {
        type: definition.type,
        description: textOr(definition.description, ''),
        version: textOr(definition.version, ''),
        scopes: Array.isArray(definition.scopes) ? definition.scopes.map(String) : [],
        hasExec: typeof definition.exec === 'function'
    };
    switch (definition.type) {
        case 'sync': {
            const models = Object.entries(definition.models ?? {});
            Object.assign(result, {
                frequency: textOr(definition.frequency, ''),
                models: models.map(([model, schema]) => add(model, schema, ['models', model])),
                autoStart: definition.autoStart === true,
                syncType: definition.syncType === 'incremental' ? 'incremental' : 'full',
                trackDeletes: definition.trackDeletes === true,
                endpoints: Array.isArray(definition.endpoints) ? definition.endpoints.map(endpointOf) : [],
                webhookSubscriptions: Array.isArray(definition.webhookSubscriptions) ? definition.webhookSubscriptions.map(String) : [],
                hasWebhook: typeof definition.onWebhook === 'function',
                input: definition.metadata === undefined ? null : add(modelName('SyncMetadata', integration, name), definition.metadata, ['metadata'])
            });
            break;
        }
        case 'action':
            Object.assign(result, {
                endpoint: isPlain(definition.endpoint) ? endpointOf(definition.endpoint) : null,
                input: add(modelName('ActionInput', integration, name), definition.input, ['input']),
                output: add(modelName('ActionOutput', integration, name), definition.output, ['output'])
            });
            break;
        case 'onEvent':
            result.event = textOr(definition.event, '');
            break;
        case 'function':
            Object.assign(result, {
                trigger: attempt(() => JSON.parse(JSON.stringify(definition.trigger ?? { kind: 'none' })), { kind: 'none' }),
                requires: definition.requires === undefined ? null : JSON.parse(JSON.stringify(definition.requires)),
                limits: definition.limits === undefined ? null : JSON.parse(JSON.stringify(definition.limits)),
                models: Object.entries(definition.data?.models ?? {}).map(([model, schema]) => add(model, schema, ['data', 'models', model])),
                input: addOptional('FunctionInput', definition.input, ['input']),
                output: addOptional('FunctionOutput', definition.output, ['output']),
                metadata: addOptional('FunctionMetadata', definition.data?.metadata, ['data', 'metadata']),
                checkpoint: addOptional('FunctionCheckpoint', definition.data?.checkpoint, ['data', 'checkpoint'])
            });
            break;
        default:
            throw new Error(`Unknown definition type '${String(definition.type)}'`);
    }
    if (faults.length > 0) throw new ActionError({ message: faults.map((fault) => fault.message).join('; '), faults });
    result.json_schema = { definitions };
    return result;
}

// Entry point: evaluates the bundle and answers its definition instead of calling it.
function define(filename, context, factory) {
    run = newRun('definition', context);
    run.filename = filename;
    resetStacks();
    (async () => jsonText(describeDefinition(context.integration, context.name, loadBundle(factory))))().then(
        (text) => native.succeed(text),
        (thrown) => sendFailure(thrown)
    );
}
