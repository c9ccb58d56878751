use super::*;

#[test]
fn an_environment_has_its_own_limits_or_those_of_the_node() {
    let node = Settings {
        run_memory_bytes: 64 << 20,
        action_cpu: Duration::from_secs(7),
        sync_interrupt_after: Duration::from_secs(900),
        ..Settings::default()
    };
    let none = FunctionLimits::default();
    let limits = node.run_limits(none, Kind::Action);
    assert_eq!((limits.memory_bytes, limits.cpu), (64 << 20, Duration::from_secs(7)));
    assert_eq!(node.run_limits(none, Kind::Sync).cpu, Limits::for_kind(Kind::Sync).cpu);
    assert_eq!(node.sync_pause_after(none), Duration::from_secs(900));

    let own = FunctionLimits {
        memory_mb: Some(512),
        action_cpu_seconds: Some(120),
        sync_interrupt_seconds: Some(60),
    };
    let limits = node.run_limits(own, Kind::Action);
    assert_eq!((limits.memory_bytes, limits.cpu), (512 << 20, Duration::from_secs(120)));
    assert_eq!(node.run_limits(own, Kind::Sync).memory_bytes, 512 << 20);
    assert_eq!(node.sync_pause_after(own), Duration::from_secs(60));

    // Whatever stands in a row, a run has what it needs to begin.
    let tiny = FunctionLimits {
        memory_mb: Some(0),
        action_cpu_seconds: Some(0),
        sync_interrupt_seconds: Some(0),
    };
    let limits = node.run_limits(tiny, Kind::Action);
    assert_eq!((limits.memory_bytes, limits.cpu), (8 << 20, Duration::from_secs(1)));
    assert_eq!(node.sync_pause_after(tiny), Duration::from_secs(1));
}
