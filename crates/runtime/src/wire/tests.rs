//! Frames in pieces and frames that lie.

use bytes::BytesMut;

use super::*;

fn sample() -> Vec<u8> {
    let mut out = Vec::new();
    append_frame(
        &mut out,
        FrameKind::Call,
        7,
        9,
        b"{\"op\":\"x\"}",
        &[b"abc", b"", &[255, 0]],
    );
    append_frame(&mut out, FrameKind::Done, 8, 0, b"", &[]);
    out
}

#[test]
fn frames_arrive_in_any_pieces() {
    let bytes = sample();
    for step in 1..bytes.len() {
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for piece in bytes.chunks(step) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = take_frame(&mut buffer, 1000).expect("well formed") {
                frames.push(frame);
            }
        }
        assert_eq!(frames.len(), 2);
        assert_eq!((frames[0].kind, frames[0].run, frames[0].call), (FrameKind::Call, 7, 9));
        assert_eq!(frames[0].parcel.header.as_ref(), b"{\"op\":\"x\"}");
        assert_eq!(frames[0].parcel.sections, vec![&b"abc"[..], &b""[..], &[255u8, 0][..]]);
        assert!(frames[1].parcel.sections.is_empty());
    }
}

#[test]
fn lies_are_refused() {
    let good = sample();
    // Every single byte of the first frame's head, turned into every value: never a panic.
    for index in 0..36 {
        for value in 0..=255u8 {
            let mut bytes = good.clone();
            bytes[index] = value;
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take_frame(&mut buffer, 1000) {}
        }
    }
    let mut huge = BytesMut::from(&u32::MAX.to_le_bytes()[..]);
    assert!(matches!(take_frame(&mut huge, 1000), Err(FrameError::TooLarge(_))));
}
