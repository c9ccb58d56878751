import type * as z from 'zod';

import type { HttpMethod, ProxyConfiguration, ProxyResponse, RequestConfiguration } from './http.js';

/** Values that a checkpoint can hold. */
export type CheckpointValue = string | number | boolean;

/** A checkpoint: at most 16 flat members. Dates arrive as ISO text. */
export type Checkpoint = Record<string, CheckpointValue>;

type Infer<S> = S extends z.ZodType ? z.infer<S> : never;
type MetadataOf<S> = S extends z.ZodType ? z.infer<S> : any;
type CheckpointOf<S> = S extends z.ZodType ? z.infer<S> : Checkpoint;
type ModelName<M> = Extract<keyof M, string>;

/** How much a log line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'off';

/** The integration as the function sees it. */
export interface Integration {
    unique_key: string;
    provider: string;
    display_name?: string;
    logo?: string;
    created_at?: string;
    updated_at?: string;
    webhook_url?: string | null;
    credentials?: any;
    [key: string]: any;
}

/** The connection as the function sees it. */
export interface Connection {
    id: number;
    connection_id: string;
    provider_config_key: string;
    provider: string;
    credentials: any;
    connection_config: Record<string, any>;
    metadata: Record<string, any> | null;
    tags?: Record<string, string>;
    end_user?: { id: string; email?: string | null; display_name?: string | null; [key: string]: any } | null;
    errors: { type: string; log_id: string }[];
    created_at: string;
    updated_at: string;
    [key: string]: any;
}

/** What `_nango_metadata` of a stored record holds. */
export interface RecordMetadata {
    first_seen_at: string;
    last_modified_at: string;
    last_action: 'ADDED' | 'UPDATED' | 'DELETED' | 'added' | 'updated' | 'deleted';
    deleted_at: string | null;
    pruned_at?: string | null;
    cursor: string;
}

/** A record as it is stored. */
export type StoredRecord<T = any> = T & { _nango_metadata: RecordMetadata };

/** The result of `uncontrolledFetch`. */
export interface FetchResponse {
    readonly ok: boolean;
    readonly status: number;
    readonly statusText: string;
    readonly url: string;
    readonly redirected: boolean;
    readonly headers: { get(name: string): string | null; has(name: string): boolean; forEach(visit: (value: string, name: string) => void): void };
    readonly body: any;
    text(): Promise<string>;
    json(): Promise<any>;
    arrayBuffer(): Promise<ArrayBuffer>;
    clone(): FetchResponse;
}

/** An expected failure, told to whoever ran the function. Made by `new nango.ActionError(payload)`. */
export interface ActionError<P = Record<string, unknown>> extends Error {
    type: string;
    payload?: P;
}

/** What every kind of function can use. */
export interface NangoBase<Metadata = any, Saved = Checkpoint> {
    /** Id of the connection that the function runs for. */
    readonly connectionId: string;
    /** Id of the integration. */
    readonly providerConfigKey: string;
    /** Name of the provider. */
    readonly provider?: string;
    readonly environmentId: number;
    readonly environmentName?: string;
    readonly accountId?: number;
    readonly nangoConnectionId?: number;
    /** Id of the operation in the log. */
    readonly activityLogId: string;
    readonly scriptType: 'sync' | 'action' | 'webhook' | 'on-event';
    readonly syncConfig?: any;
    readonly isCLI?: boolean;
    readonly ActionError: new <P = Record<string, unknown>>(payload?: P) => ActionError<P>;

    /** Sends a request with the connection's credentials. */
    proxy<T = any>(config: ProxyConfiguration): Promise<ProxyResponse<T>>;
    get<T = any>(config: RequestConfiguration): Promise<ProxyResponse<T>>;
    post<T = any>(config: RequestConfiguration): Promise<ProxyResponse<T>>;
    put<T = any>(config: RequestConfiguration): Promise<ProxyResponse<T>>;
    patch<T = any>(config: RequestConfiguration): Promise<ProxyResponse<T>>;
    delete<T = any>(config: RequestConfiguration): Promise<ProxyResponse<T>>;
    /** Goes through all pages of a list. */
    paginate<T = any>(config: ProxyConfiguration): AsyncGenerator<T[], undefined, void>;
    /** Sends a request without credentials, retries and logs. */
    uncontrolledFetch(options: { url: URL; method?: HttpMethod | string; headers?: Record<string, string>; body?: string | null }): Promise<FetchResponse>;

    getConnection(
        providerConfigKey?: string,
        connectionId?: string,
        options?: { forceRefresh?: boolean; refreshToken?: boolean; refreshGithubAppJwtToken?: boolean }
    ): Promise<Connection>;
    /** The access token, or the credentials where there is no single token. Each use is logged. */
    getToken(): Promise<any>;
    getIntegration(options?: { include?: ('credentials' | 'webhook')[] }): Promise<Integration>;
    getWebhookURL(): Promise<string | null | undefined>;
    getEnvironmentVariables(): Promise<{ name: string; value: string }[] | null>;

    getMetadata<T = Metadata>(): Promise<T>;
    /** Replaces the metadata of the connection. */
    setMetadata(metadata: Metadata): Promise<any>;
    /** Merges into the metadata of the connection, one level deep. */
    updateMetadata(metadata: Partial<Metadata>): Promise<any>;

    getCheckpoint(): Promise<Saved | null>;
    saveCheckpoint(checkpoint: Saved): Promise<void>;
    clearCheckpoint(): Promise<void>;

    /** Runs another action and waits for its output. */
    triggerAction<Input = unknown, Output = any>(providerConfigKey: string, connectionId: string, name: string, input?: Input): Promise<Output>;
    triggerSync(
        providerConfigKey: string,
        connectionId: string,
        sync: string | { name: string; variant: string },
        options?: { reset?: boolean; emptyCache?: boolean } | 'incremental' | 'full_refresh' | 'full_refresh_and_clear_cache' | boolean
    ): Promise<any>;
    startSync(providerConfigKey: string, syncs: (string | { name: string; variant: string })[], connectionId?: string): Promise<void>;

    tryAcquireLock(lock: { key: string; ttlMs: number }): Promise<boolean>;
    releaseLock(lock: { key: string }): Promise<boolean>;
    releaseAllLocks(): Promise<void>;

    /** Writes a line to the run's log. Lines below the environment's level (default `warn`) are dropped. */
    log(message: any, ...rest: [] | [meta: any] | [meta: any, options: { level: LogLevel }]): Promise<void>;
    setLogger(logger: { level: LogLevel }): void;

    /** Checks an input, logs every issue, and throws an ActionError when there is one. */
    zodValidateInput<S extends z.ZodType>(options: { zodSchema: S; input: unknown }): Promise<{ success: true; data: z.infer<S> }>;

    /** @deprecated use getMetadata */
    getFieldMapping(): Promise<any>;
    /** @deprecated use setMetadata */
    setFieldMapping(mapping: Record<string, string>): Promise<any>;
}

/** What an action can use. */
export type NangoAction<Metadata = any, Saved = Checkpoint> = NangoBase<Metadata, Saved>;

/** What a sync and its webhook handler can use. */
export interface NangoSync<M = any, Metadata = any, Saved = Checkpoint> extends NangoBase<Metadata, Saved> {
    readonly syncId?: string;
    readonly syncJobId?: number;
    /** `base`, or the variant that runs. */
    readonly variant: string;
    /** When the last successful run began. */
    readonly lastSyncDate?: Date;

    /** Inserts and replaces records by `id`. */
    batchSave<K extends ModelName<M>>(records: Infer<M[K]>[], model: K): Promise<boolean | null>;
    /** Merges into records that exist. */
    batchUpdate<K extends ModelName<M>>(records: (Partial<Infer<M[K]>> & { id: string })[], model: K): Promise<boolean | null>;
    /** Deletes records by `id`. */
    batchDelete<K extends ModelName<M>>(records: (Partial<Infer<M[K]>> & { id: string; deletedAt?: string | Date })[], model: K): Promise<boolean | null>;
    getRecordsByIds<K extends string | number = string, T = any>(ids: K[], model: ModelName<M>): Promise<Map<K, T>>;
    listRecords<T = any>(model: ModelName<M>, options?: { cursor?: string }): AsyncGenerator<StoredRecord<T>, void, void>;

    /** Begins a complete pass over a model: what is not saved until the end is deleted. */
    trackDeletesStart(model: ModelName<M>): Promise<void>;
    /** Ends a complete pass over a model. */
    trackDeletesEnd(model: ModelName<M>): Promise<{ deletedKeys: string[] }>;
    setMergingStrategy(merging: { strategy: 'override' | 'ignore_if_modified_after' }, model: ModelName<M>): Promise<void>;

    /** @deprecated use batchSave */
    batchSend<K extends ModelName<M>>(records: Infer<M[K]>[], model: K): Promise<boolean | null>;
    /** @deprecated use trackDeletesStart and trackDeletesEnd */
    deleteRecordsFromPreviousExecutions(model: ModelName<M>): Promise<{ deletedKeys: string[] }>;
}

export type { CheckpointOf, Infer, MetadataOf };
