import { NangoActionMock, NangoSyncMock } from 'nango/test';

globalThis.vitest = { NangoActionMock, NangoSyncMock };
