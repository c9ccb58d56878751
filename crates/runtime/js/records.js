// Records of syncs and webhooks.

const RECORDS_PER_CALL = 1000;
const IDS_PER_CALL = 100;

async function sendRecords(op, records, model) {
    checkAbort();
    if (run.batches !== undefined) return void run.batches.push({ op, records, model });
    const done = replaying() ? undefined : true;
    if (!records || records.length === 0) return done;
    for (let at = 0; at < records.length; at += RECORDS_PER_CALL) {
        const chunk = records.slice(at, at + RECORDS_PER_CALL).map(withoutMetadata);
        await ask({ op, model: String(model) }, [jsonText(chunk)]);
    }
    return done;
}

function withoutMetadata(record) {
    if (!isPlain(record) || !('_nango_metadata' in record) || replaying()) return record;
    const { _nango_metadata, ...rest } = record;
    return rest;
}

const recordMethods = {
    batchSave: (records, model) => sendRecords('batchSave', records, model),
    batchSend: (records, model) => sendRecords('batchSave', records, model),
    batchUpdate: (records, model) => sendRecords('batchUpdate', records, model),
    batchDelete: (records, model) => sendRecords('batchDelete', records, model),

    async getRecordsByIds(ids, model) {
        checkAbort();
        const found = new Map();
        const byText = new Map(ids.map((id) => [String(id), id]));
        const texts = [...byText.keys()];
        for (let at = 0; at < texts.length; at += IDS_PER_CALL) {
            const records = await ask({ op: 'getRecordsByIds', model: String(model), ids: texts.slice(at, at + IDS_PER_CALL) });
            for (const record of records) {
                const id = byText.get(String(record.id));
                if (id !== undefined) found.set(id, record);
            }
        }
        return found;
    },

    async *listRecords(model, options) {
        let cursor = options?.cursor;
        do {
            const page = await ask({ op: 'listRecords', model: String(model), cursor: cursor ?? undefined, limit: 100 });
            yield* page.records;
            cursor = page.next_cursor;
        } while (cursor);
    },

    async trackDeletesStart(model) {
        const canned = await ask({ op: 'trackDeletesStart', model: String(model) });
        return replaying() ? canned : undefined;
    },

    async trackDeletesEnd(model) {
        return ask({ op: 'trackDeletesEnd', model: String(model) });
    },

    async deleteRecordsFromPreviousExecutions(model) {
        return ask({ op: 'deletePrevious', model: String(model) });
    },

    async setMergingStrategy(merging, model) {
        checkAbort();
        if (run.merging.has(model)) {
            await log(`The merging strategy of model '${model}' was already set in this run; the first one stays`, { level: 'warn' });
            return;
        }
        run.merging.add(model);
        await ask({ op: 'setMergingStrategy', model: String(model), strategy: String(merging?.strategy) });
    }
};
