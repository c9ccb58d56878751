//! What a sealed value withstands.

use std::sync::Arc;

use tenon_credentials::vault::Error;
use tenon_credentials::{EnvironmentVault, MasterKey, Vault};
use tenon_model::{EnvironmentId, SeededRng};

fn master(byte: u8) -> MasterKey {
    MasterKey::new(vec![byte; 32]).expect("32 bytes")
}

fn vault(byte: u8) -> Vault {
    Vault::new(master(byte), Vec::new(), Arc::new(SeededRng::new(u64::from(byte))))
}

fn environment(vault: &Vault, id: i64) -> EnvironmentVault {
    let key = vault.create_data_key(EnvironmentId(id));
    vault
        .unlock(EnvironmentId(id), &[key.bytes])
        .expect("a fresh key opens")
}

#[test]
fn values_come_back() {
    let keys = environment(&vault(1), 7);
    for text in ["", "x", "a longer secret, with ünïcode"] {
        let sealed = keys.seal("t.c/1", text.as_bytes());
        assert_eq!(keys.open("t.c/1", &sealed).expect("opens").as_slice(), text.as_bytes());
        assert!(text.is_empty() || !sealed.windows(text.len()).any(|part| part == text.as_bytes()));
    }
    assert_ne!(
        keys.seal("t.c/1", b"same"),
        keys.seal("t.c/1", b"same"),
        "every value has its own nonce"
    );
}

#[test]
fn a_moved_or_changed_value_does_not_open() {
    let vault = vault(1);
    let (one, other) = (environment(&vault, 1), environment(&vault, 2));
    let sealed = one.seal("connections.credentials/1", b"token");
    assert!(
        matches!(
            one.open("connections.credentials/2", &sealed),
            Err(Error::Refused { .. })
        ),
        "another row"
    );
    assert!(
        matches!(one.open("connections.metadata/1", &sealed), Err(Error::Refused { .. })),
        "another column"
    );
    assert!(
        matches!(
            other.open("connections.credentials/1", &sealed),
            Err(Error::UnknownKey(_))
        ),
        "another environment"
    );
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        assert!(one.open("connections.credentials/1", &changed).is_err(), "byte {index}");
        assert!(
            one.open("connections.credentials/1", &sealed[..index]).is_err(),
            "cut at {index}"
        );
    }
}

#[test]
fn a_data_key_belongs_to_its_environment_and_master() {
    let one = vault(1);
    let key = one.create_data_key(EnvironmentId(1));
    assert!(
        one.unlock(EnvironmentId(2), std::slice::from_ref(&key.bytes)).is_err(),
        "moved to another environment"
    );
    assert!(
        matches!(
            vault(2).unlock(EnvironmentId(1), &[key.bytes]),
            Err(Error::UnknownKey(_))
        ),
        "another master"
    );
    assert!(one.unlocked(EnvironmentId(2)).is_none());
}

#[test]
fn the_master_key_rotates_without_touching_values() {
    let old = vault(1);
    let key = old.create_data_key(EnvironmentId(1));
    let sealed = old
        .unlock(EnvironmentId(1), std::slice::from_ref(&key.bytes))
        .expect("opens")
        .seal("t.c/1", b"token");

    let both = Vault::new(master(2), vec![master(1)], Arc::new(SeededRng::new(9)));
    let resealed = both
        .reseal(EnvironmentId(1), &key.bytes)
        .expect("known")
        .expect("was sealed by the old key");
    assert_eq!(
        both.reseal(EnvironmentId(1), &resealed.bytes),
        Ok(None),
        "the second pass finds nothing to do"
    );
    let new = vault(2);
    let keys = new
        .unlock(EnvironmentId(1), &[resealed.bytes])
        .expect("the new key alone is enough");
    assert_eq!(keys.open("t.c/1", &sealed).expect("opens").as_slice(), b"token");
    assert!(
        new.unlock(EnvironmentId(1), &[key.bytes]).is_err(),
        "an old dump stays closed"
    );
}

#[test]
fn a_new_data_key_seals_and_the_old_one_still_opens() {
    let vault = vault(1);
    let first = vault.create_data_key(EnvironmentId(1)).bytes;
    let sealed = vault
        .unlock(EnvironmentId(1), std::slice::from_ref(&first))
        .expect("opens")
        .seal("t.c/1", b"token");
    let second = vault.create_data_key(EnvironmentId(1)).bytes;
    let keys = vault.unlock(EnvironmentId(1), &[first, second]).expect("opens");
    assert!(keys.is_outdated(&sealed));
    assert!(!keys.is_outdated(&keys.seal("t.c/1", b"token")));
    assert_eq!(keys.open("t.c/1", &sealed).expect("opens").as_slice(), b"token");
}

#[test]
fn nothing_prints_a_key() {
    let vault = vault(7);
    let printed = format!("{:?} {:?} {:?}", vault, master(7), environment(&vault, 1));
    assert!(!printed.contains("07070707"), "{printed}");
    assert_eq!(MasterKey::new(vec![1; 31]).err(), Some(Error::MasterKeyLength(31)));
}
