// The experimental primitive: one kind of function with a declared trigger and declared needs.

import type * as z from 'zod';

import type { NangoSync, SyncModels } from './index.js';

/** What starts a function. */
export type FunctionTrigger =
    | { kind: 'none' }
    | { kind: 'schedule'; frequency: string; autoStart?: boolean }
    | { kind: 'http'; subscriptions?: string[]; debounce?: { keyBy?: string; windowMs: number; maxEntities?: number; take?: 'latest' | 'first' | 'all' } }
    | { kind: 'event'; events: string[] };

/** A function with a trigger. */
export interface FunctionDefinition<Input extends z.ZodType | undefined, Output extends z.ZodType | undefined, M extends SyncModels> {
    description: string;
    version?: string;
    trigger?: FunctionTrigger;
    input?: Input;
    output?: Output;
    data?: { models?: M; metadata?: z.ZodType; checkpoint?: z.ZodObject };
    requires?: { connection?: boolean; outbound?: boolean; invoke?: boolean };
    limits?: { concurrency?: { perConnection?: 1 | 'max' } };
    exec: (
        nango: NangoSync<M> & {
            getVariant(): string;
            /** Runs another function by its name, on this connection unless another is named, and answers its output. */
            invoke(fn: string | { name: string; integrationId?: string }, options?: { input?: unknown; connection?: string | { connectionId: string; integrationId?: string } }): Promise<any>;
        },
        trigger: {
            kind: FunctionTrigger['kind'];
            input: Input extends z.ZodType ? z.infer<Input> : undefined;
            /** The connection that it runs for. */
            connection?: { connectionId: string; integrationId: string; provider: string };
            /** Only for the trigger `http`: the message, or the chosen one of several joined messages. */
            request?: any;
            /** Only with `debounce: { take: 'all' }`: all joined messages. */
            coalesced?: any[];
            /** Only for the trigger `event`: which one. */
            event?: string;
        }
    ) => Promise<Output extends z.ZodType ? z.infer<Output> : void> | (Output extends z.ZodType ? z.infer<Output> : void);
}

/** Defines a function. Must be given an object literal and be the default export of its file. */
export declare function createFunction<
    Input extends z.ZodType | undefined = undefined,
    Output extends z.ZodType | undefined = undefined,
    M extends SyncModels = SyncModels
>(definition: FunctionDefinition<Input, Output, M>): FunctionDefinition<Input, Output, M> & { type: 'function' };
