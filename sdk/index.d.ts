// Types of the function SDK, written for Tenon. `tenon init` places them in a project so that editors know them.

import type * as z from 'zod';

import type { CheckpointOf, MetadataOf, NangoAction, NangoBase, NangoSync } from './context.js';

export type * from './context.js';
export type * from './http.js';

/** An old-style endpoint. */
export interface Endpoint {
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    path: string;
    group?: string;
}

interface Definition<Metadata, Saved> {
    /** What the function does, in a sentence. People and agents choose functions by it. */
    description: string;
    /** Without it, the server counts. */
    version?: string;
    /** Schema of the connection's metadata that the function reads. */
    metadata?: Metadata;
    /** Schema of the function's checkpoint: flat, of texts, numbers and booleans. */
    checkpoint?: Saved;
    /** Scopes that the provider must have granted. */
    scopes?: string[];
}

/** Record models by name. */
export type SyncModels = Record<string, z.ZodObject<any>>;

/** A function that keeps a copy of the provider's data. */
export interface SyncDefinition<M extends SyncModels, Metadata extends z.ZodType | undefined, Saved extends z.ZodObject | undefined>
    extends Definition<Metadata, Saved> {
    /** How often it runs: `every 5 minutes`, `every hour`, `every day`… At least 30 seconds. */
    frequency: string;
    /** Models of the records it saves. Each needs `id: z.string()`. */
    models: M;
    /** The run. */
    exec: (nango: NangoSync<M, MetadataOf<Metadata>, CheckpointOf<Saved>>) => Promise<void> | void;
    /** Runs for provider webhooks whose type is in `webhookSubscriptions`. */
    onWebhook?: (nango: NangoSync<M, MetadataOf<Metadata>, CheckpointOf<Saved>>, payload: any) => Promise<void> | void;
    /** Webhook types, or `'*'` for all. */
    webhookSubscriptions?: string[];
    /** Start with the connection. Only a literal `true` counts; without it, start the sync by the API. */
    autoStart?: boolean;
    /** @deprecated */
    syncType?: 'full' | 'incremental';
    /** @deprecated use nango.trackDeletesStart and nango.trackDeletesEnd */
    trackDeletes?: boolean;
    /** @deprecated */
    endpoints?: Endpoint[];
}

/** A function that is called with an input and answers an output. */
export interface ActionDefinition<
    Input extends z.ZodType,
    Output extends z.ZodType,
    Metadata extends z.ZodType | undefined,
    Saved extends z.ZodObject | undefined
> extends Definition<Metadata, Saved> {
    /** Schema of the input; `z.void()` for none. */
    input: Input;
    /** Schema of the output; `z.void()` for none. */
    output: Output;
    /** The run. */
    exec: (nango: NangoAction<MetadataOf<Metadata>, CheckpointOf<Saved>>, input: z.infer<Input>) => Promise<z.infer<Output>> | z.infer<Output>;
    /** @deprecated */
    endpoint?: Endpoint;
}

/** A function that runs at a moment in the life of a connection. */
export interface OnEventDefinition<Metadata extends z.ZodType | undefined, Saved extends z.ZodObject | undefined>
    extends Definition<Metadata, Saved> {
    event: 'post-connection-creation' | 'pre-connection-deletion' | 'validate-connection';
    exec: (nango: NangoBase<MetadataOf<Metadata>, CheckpointOf<Saved>>) => Promise<void> | void;
}

/** Defines a sync. Must be given an object literal and be the default export of its file. */
export declare function createSync<
    M extends SyncModels,
    Metadata extends z.ZodType | undefined = undefined,
    Saved extends z.ZodObject | undefined = undefined
>(definition: SyncDefinition<M, Metadata, Saved>): SyncDefinition<M, Metadata, Saved> & { type: 'sync' };

/** Defines an action. Must be given an object literal and be the default export of its file. */
export declare function createAction<
    Input extends z.ZodType,
    Output extends z.ZodType,
    Metadata extends z.ZodType | undefined = undefined,
    Saved extends z.ZodObject | undefined = undefined
>(definition: ActionDefinition<Input, Output, Metadata, Saved>): ActionDefinition<Input, Output, Metadata, Saved> & { type: 'action' };

/** Defines an on-event function. Must be given an object literal and be the default export of its file. */
export declare function createOnEvent<Metadata extends z.ZodType | undefined = undefined, Saved extends z.ZodObject | undefined = undefined>(
    definition: OnEventDefinition<Metadata, Saved>
): OnEventDefinition<Metadata, Saved> & { type: 'onEvent' };
