/** Where the recorded fixture is and whose it is. */
export interface MockOptions {
    /** Folder of the test: `<integration>/tests`. */
    dirname: string;
    /** Name of the fixture, `<name>.test.json`; one that is named like the test file comes first. */
    name: string;
    /** Models of a sync, joined by commas. */
    Model: string;
}

/**
 * Stands in for `nango` in a test of an action: answers from the fixture, every method is a spy. It is no narrower than `any`, so that
 * it fits whatever metadata and models the function has.
 */
export declare const NangoActionMock: new (options: MockOptions) => any;

/** Stands in for `nango` in a test of a sync. */
export declare const NangoSyncMock: new (options: MockOptions) => any;

declare global {
    /** Set by `vitest.setup.ts`. */
    var vitest: { NangoActionMock: new (options: MockOptions) => any; NangoSyncMock: new (options: MockOptions) => any };
}
