// The `unzipper` module: archives that are in memory, or at an address. Names and sizes are those the archive claims; what comes
// out is never more than that, nor more than the limits here.

const ZIP_ENTRY_BYTES_MAX = 64 * 1024 * 1024;
const ZIP_ARCHIVE_BYTES_MAX = 256 * 1024 * 1024;
const ZIP_ENTRIES_MAX = 100_000;

function zipError(message, code) {
    const error = new Error(message);
    if (code !== undefined) error.code = code;
    return error;
}

// Where the directory is and how many entries it has (APPNOTE 4.3.16, 4.3.14).
function zipEnd(bytes) {
    let at = bytes.length - 22;
    const least = Math.max(0, at - 65535);
    while (at >= least && bytes.readUInt32LE(at) !== 0x06054b50) at--;
    if (at < least) throw zipError('FILE_ENDED');
    let count = bytes.readUInt16LE(at + 10);
    let size = bytes.readUInt32LE(at + 12);
    let start = bytes.readUInt32LE(at + 16);
    const comment = bytes.subarray(at + 22, at + 22 + bytes.readUInt16LE(at + 20)).toString();
    let end = at;
    if (at >= 20 && bytes.readUInt32LE(at - 20) === 0x07064b50) {
        const record = Number(bytes.readBigUInt64LE(at - 12));
        if (record + 56 > bytes.length || bytes.readUInt32LE(record) !== 0x06064b50) throw zipError('The archive is damaged: its zip64 directory is not where it says');
        count = Number(bytes.readBigUInt64LE(record + 32));
        size = Number(bytes.readBigUInt64LE(record + 40));
        start = Number(bytes.readBigUInt64LE(record + 48));
        end = record;
    }
    // Something may stand before the archive, such as a program that unpacks it.
    const shift = end - size - start;
    if (shift < 0 || start + size > bytes.length) throw zipError('The archive is damaged: its directory is not where it says');
    if (count > ZIP_ENTRIES_MAX) throw zipError(`The archive has ${count} entries; ${ZIP_ENTRIES_MAX} are the most that functions read`);
    return { count, start: start + shift, shift, comment };
}

function zipDirectory(bytes) {
    const { count, start, shift, comment } = zipEnd(bytes);
    const budget = { left: ZIP_ARCHIVE_BYTES_MAX };
    const files = [];
    let at = start;
    for (let index = 0; index < count; index++) {
        if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== 0x02014b50) throw zipError('The archive is damaged: its directory ends early');
        const lengths = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
        const flags = bytes.readUInt16LE(at + 8);
        const nameEnd = at + 46 + lengths[0];
        const name = bytes.subarray(at + 46, nameEnd);
        const sizes = zip64Sizes(bytes.subarray(nameEnd, nameEnd + lengths[1]), bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42));
        files.push(new ZipEntry(bytes, budget, {
            path: name.toString((flags & 0x800) !== 0 || isUtf8(name) ? 'utf8' : 'latin1'),
            pathBuffer: Buffer.from(name),
            isUnicode: (flags & 0x800) !== 0,
            flags,
            compressionMethod: bytes.readUInt16LE(at + 10),
            crc32: bytes.readUInt32LE(at + 16),
            compressedSize: sizes.packed,
            uncompressedSize: sizes.plain,
            offsetToLocalFileHeader: sizes.offset + shift,
            lastModifiedDateTime: zipTime(bytes.readUInt16LE(at + 12), bytes.readUInt16LE(at + 14)),
            comment: bytes.subarray(nameEnd + lengths[1], nameEnd + lengths[1] + lengths[2]).toString()
        }));
        at = nameEnd + lengths[1] + lengths[2];
    }
    return { signature: 0x06054b50, files, comment, numberOfRecords: count };
}

function isUtf8(bytes) {
    try {
        native.utf8(bytes, true);
        return true;
    } catch {
        return false;
    }
}

function zip64Sizes(extra, plain, packed, offset) {
    for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
        if (extra.readUInt16LE(at) !== 1) continue;
        let next = at + 4;
        const take = (value) => {
            if (value !== 0xffffffff || next + 8 > extra.length) return value;
            next += 8;
            return Number(extra.readBigUInt64LE(next - 8));
        };
        plain = take(plain);
        packed = take(packed);
        offset = take(offset);
        break;
    }
    return { plain, packed, offset };
}

function zipTime(time, date) {
    return new Date(Date.UTC(1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2));
}

// An entry, as `Open` and `Parse` hand it out.
class ZipEntry {
    #archive;
    #budget;

    constructor(archive, budget, fields) {
        this.#archive = archive;
        this.#budget = budget;
        Object.assign(this, fields);
        this.type = this.uncompressedSize === 0 && /[/\\]$/.test(this.path) ? 'Directory' : 'File';
        this.vars = { ...fields };
        this.props = { path: this.path, pathBuffer: this.pathBuffer, flags: { isUnicode: this.isUnicode } };
    }

    #content() {
        const bytes = this.#archive;
        const at = this.offsetToLocalFileHeader;
        if ((this.flags & 1) !== 0) throw zipError(`${this.path} is encrypted, and passwords are not supported in functions`, 'MISSING_PASSWORD');
        if (at + 30 > bytes.length || bytes.readUInt32LE(at) !== 0x04034b50) throw zipError(`The archive is damaged: ${this.path} is not where its directory says`);
        const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28);
        if (start + this.compressedSize > bytes.length) throw zipError(`The archive is damaged: ${this.path} is cut off`);
        if (this.uncompressedSize > ZIP_ENTRY_BYTES_MAX) throw zipError(`${this.path} would be ${this.uncompressedSize} bytes; ${ZIP_ENTRY_BYTES_MAX} are the most that functions unpack of one file`, 'ENTRY_TOO_LARGE');
        if (this.uncompressedSize > this.#budget.left) throw zipError(`The archive would be more than ${ZIP_ARCHIVE_BYTES_MAX} bytes, the most that functions unpack of one archive`, 'ARCHIVE_TOO_LARGE');
        this.#budget.left -= this.uncompressedSize;
        const packed = bytes.subarray(start, start + this.compressedSize);
        if (this.compressionMethod !== 0 && this.compressionMethod !== 8) throw zipError(`${this.path} is packed by method ${this.compressionMethod}; functions know stored (0) and deflated (8) files`);
        const plain = this.compressionMethod === 0 ? Buffer.from(packed) : new Bytes(native.inflate(packed, this.uncompressedSize));
        if (plain.length !== this.uncompressedSize) throw zipError(`The archive is damaged: ${this.path} has another size than its directory says`);
        if (native.crc32(plain) !== this.crc32) throw zipError(`The archive is damaged: the checksum of ${this.path} is wrong`);
        return plain;
    }

    async buffer() {
        return this.#content();
    }

    stream() {
        return new ZipStream(async () => this.#content());
    }

    // Entries of `Parse` are streams themselves.
    on(event, listener) {
        this._stream ??= this.stream();
        this._stream.on(event, listener);
        return this;
    }

    [Symbol.asyncIterator]() {
        return this.stream()[Symbol.asyncIterator]();
    }

    autodrain() {
        return { promise: async () => {}, on: (event, listener) => void ((event === 'finish' || event === 'end') && queueMicrotask(listener)) };
    }
}

// What is read of a file: one piece, for listeners and for `for await`.
class ZipStream {
    #load;
    #listeners = new Map();
    #started = false;

    constructor(load) {
        this.#load = load;
    }

    on(event, listener) {
        this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
        if (event === 'data' || event === 'end' || event === 'readable') this.#start();
        return this;
    }

    once(event, listener) {
        return this.on(event, listener);
    }

    #emit(event, ...args) {
        for (const listener of this.#listeners.get(event) ?? []) listener(...args);
    }

    #start() {
        if (this.#started) return;
        this.#started = true;
        this.#load().then(
            (bytes) => {
                if (bytes.length > 0) this.#emit('data', bytes);
                for (const event of ['end', 'finish', 'close']) this.#emit(event);
            },
            (error) => this.#emit('error', error)
        );
    }

    pipe() {
        throw zipError('Streams cannot be piped in functions; use entry.buffer(), `for await`, or the events data and end');
    }

    async *[Symbol.asyncIterator]() {
        const bytes = await this.#load();
        if (bytes.length > 0) yield bytes;
    }
}

// `Parse`: takes an archive in pieces and hands out its entries in their order.
class ZipParse {
    #chunks = [];
    #listeners = new Map();
    #done;
    #finish;

    constructor() {
        this.#done = new Promise((resolve, reject) => {
            this.#finish = { resolve, reject };
        });
        this.#done.catch(() => {});
    }

    on(event, listener) {
        this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
        return this;
    }

    once(event, listener) {
        return this.on(event, listener);
    }

    write(chunk) {
        this.#chunks.push(Buffer.from(chunk));
        return true;
    }

    end(chunk) {
        if (chunk !== undefined) this.write(chunk);
        queueMicrotask(() => this.#run());
        return this;
    }

    #emit(event, ...args) {
        for (const listener of this.#listeners.get(event) ?? []) listener(...args);
    }

    #run() {
        try {
            const { files } = zipDirectory(Buffer.concat(this.#chunks));
            for (const entry of files) this.#emit('entry', entry);
            this.#finish.resolve(files);
            for (const event of ['end', 'finish', 'close']) this.#emit(event);
        } catch (error) {
            this.#finish.reject(error);
            this.#emit('error', error);
        }
    }

    promise() {
        return this.#done.then(() => undefined);
    }

    async *[Symbol.asyncIterator]() {
        yield* await this.#done;
    }
}

async function openZip(bytes) {
    if (!isBytes(bytes)) throw new TypeError('unzipper.Open.buffer needs the bytes of an archive: ask for them with `responseType: "arraybuffer"`');
    const view = viewOf(bytes);
    return {
        ...zipDirectory(new Bytes(view.buffer, view.byteOffset, view.byteLength)),
        extract: async () => {
            throw zipError('Functions have no files to extract to; read each entry with entry.buffer()');
        }
    };
}

async function openZipAt(request, options) {
    const given = options ?? request;
    const url = typeof given === 'string' || given instanceof URL ? String(given) : String(given?.url ?? given?.uri);
    const response = await fetchPlainly({ url, headers: given?.headers });
    if (!response.ok) throw zipError(`The archive at ${url} was answered with status ${response.status}`);
    return openZip(await response.arrayBuffer());
}

function noZipFiles(name) {
    return () => {
        throw zipError(`unzipper.${name} is not available: functions have no file system; use unzipper.Open.buffer(bytes)`);
    };
}

const unzipperModule = {
    Open: { buffer: openZip, url: openZipAt, file: async (...args) => noZipFiles('Open.file')(...args), s3: async (...args) => noZipFiles('Open.s3')(...args) },
    Parse: function Parse() {
        return new ZipParse();
    },
    ParseOne: noZipFiles('ParseOne'),
    Extract: noZipFiles('Extract')
};
