use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};

use super::inflated;

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn no_more_comes_out_than_was_said() {
    let zeros = packed(&vec![0; 10 << 20]);
    assert_eq!(inflated(&zeros, 10 << 20).unwrap().len(), 10 << 20);
    assert!(
        inflated(&zeros, 100)
            .unwrap_err()
            .contains("more than its directory says")
    );
    assert!(
        inflated(&zeros, 1 << 40)
            .unwrap_err()
            .contains("larger than functions may unpack")
    );
    assert!(inflated(&zeros[..20], 10 << 20).unwrap_err().contains("cut off"));
    assert!(
        inflated(&[7, 255, 255, 255], 10)
            .unwrap_err()
            .contains("cannot be unpacked")
    );
    assert_eq!(inflated(&packed(b""), 0).unwrap(), b"");
}
