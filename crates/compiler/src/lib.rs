//! Turns TypeScript functions into bundles, definitions and JSON schemas
