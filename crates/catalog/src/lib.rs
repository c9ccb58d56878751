//! Reads provider files into typed definitions and renders their templates; pure
