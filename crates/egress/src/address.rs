//! Which addresses are public.
//!
//! The test is "globally routable or not", judged after unwrapping every form in which an IPv4 address can hide
//! inside an IPv6 one, rather than a list of known bad networks that somebody has to keep complete.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressClass {
    /// Routable on the public internet.
    Public,
    /// This machine: 127/8, ::1, and the unspecified addresses that systems treat as this machine.
    Loopback,
    /// Private networks: RFC 1918, carrier-grade NAT (100.64/10), fc00::/7, site-local, local NAT64.
    Private,
    /// The link, home of cloud metadata services: 169.254/16, fe80::/10.
    LinkLocal,
    /// Multicast, broadcast, documentation, benchmarking, reserved: never a destination.
    Reserved,
}

/// Says what kind of place an address is.
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(v4) => classify_v4(v4),
        IpAddr::V6(v6) => classify_v6(v6),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0 | 127, _, _) => AddressClass::Loopback,
        (10, _, _) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => AddressClass::Private,
        (169, 254, _) => AddressClass::LinkLocal,
        // IETF protocol assignments, documentation, 6to4 relays, benchmarking, AS112.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => AddressClass::Reserved,
        (192, 31, 196) | (192, 52, 193) | (192, 175, 48) => AddressClass::Reserved,
        (224..=255, _, _) => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    if address.is_unspecified() || address.is_loopback() {
        return AddressClass::Loopback;
    }
    let s = address.segments();
    if let Some(inner) = embedded_v4(s) {
        return classify_v4(inner);
    }
    match s[0] {
        // Local-use NAT64 (RFC 8215).
        0x0064 if s[1] == 0xff9b && s[2] == 1 => AddressClass::Private,
        0xfc00..=0xfdff | 0xfec0..=0xfeff => AddressClass::Private,
        0xfe80..=0xfebf => AddressClass::LinkLocal,
        // Teredo tunnels through a server that the sender chooses.
        0x2001 if s[1] == 0 => AddressClass::Private,
        // Benchmarking, ORCHID and the rest of the protocol assignments, documentation.
        0x2001 if s[1] < 0x0200 || s[1] == 0x0db8 => AddressClass::Reserved,
        0x3fff if s[1] < 0x1000 => AddressClass::Reserved,
        0x2000..=0x3fff => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

/// The IPv4 address inside a mapped, compatible, translated, NAT64 or 6to4 address.
fn embedded_v4(s: [u16; 8]) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0x0064, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}
