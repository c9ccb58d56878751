//! The worker alone, for the tests of this crate; the product runs it as a command of its own binary.

fn main() {
    tenon_runtime::worker_main()
}
