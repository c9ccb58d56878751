//! The HubSpot example against a small model of HubSpot that moves under it.

mod hubspot;
mod run;

use hubspot::Hubspot;
use run::Run;

use super::Test;

pub const TESTS: &[Test] = &[
    ("first_pass_copies_everything", first_pass_copies_everything),
    ("later_runs_fetch_changes_only", later_runs_fetch_changes_only),
    ("twelve_thousand_in_one_millisecond", twelve_thousand_in_one_millisecond),
    (
        "changes_during_the_list_are_not_lost",
        changes_during_the_list_are_not_lost,
    ),
    (
        "changes_during_the_search_are_not_lost",
        changes_during_the_search_are_not_lost,
    ),
    ("interrupted_anywhere_it_goes_on", interrupted_anywhere_it_goes_on),
    ("deleted_contacts_are_deleted_once", deleted_contacts_are_deleted_once),
    ("create_contact", create_contact),
];

const HOUR: i64 = 3_600_000;

fn first_pass_copies_everything() {
    let run = Run::new(Hubspot::with_contacts(1_234));
    run.sync().unwrap();
    assert_eq!(run.copy(), run.hubspot(|h| h.live()));
    assert_eq!(
        run.hubspot(|h| h.lists),
        13 + 1,
        "13 pages of contacts and one of archived ones"
    );
    let checkpoint = run.checkpoint().unwrap();
    assert_eq!(checkpoint["phase"], "done");
}

fn later_runs_fetch_changes_only() {
    let run = Run::new(Hubspot::with_contacts(500));
    run.sync().unwrap();
    run.hubspot(|h| {
        h.now += HOUR;
        for id in 100..140 {
            h.touch(id);
            h.now += 7;
        }
        h.now += HOUR;
    });
    let before = run.hubspot(|h| h.returned);
    run.sync().unwrap();
    assert_eq!(run.hubspot(|h| h.returned) - before, 40);
    assert_eq!(run.copy(), run.hubspot(|h| h.live()));
    run.hubspot(|h| h.now += HOUR);
    run.sync().unwrap();
    assert_eq!(
        run.hubspot(|h| h.returned) - before,
        40,
        "nothing changed, nothing came"
    );
}

fn twelve_thousand_in_one_millisecond() {
    let run = Run::new(Hubspot::with_contacts(13_000));
    run.sync().unwrap();
    run.hubspot(|h| {
        h.now += HOUR;
        for id in 1..=500 {
            h.touch(id);
            h.now += 1;
        }
        for id in 501..=12_600 {
            h.touch(id);
        }
        h.now += 1;
        for id in 12_601..=12_700 {
            h.touch(id);
        }
        h.now += HOUR;
    });
    run.sync().unwrap();
    assert_eq!(run.copy(), run.hubspot(|h| h.live()));
    assert_eq!(run.hubspot(|h| h.refused), 0, "the cap is never met");
}

fn changes_during_the_list_are_not_lost() {
    let mut hubspot = Hubspot::with_contacts(1_000);
    // Each list page is followed by a change of a contact that was listed already and of one that was not.
    hubspot.after_list = Some(Box::new(|h, page| {
        h.now += 1_000;
        h.touch(1 + page * 3);
        h.touch(990 - page);
        if page == 5 {
            h.create();
        }
    }));
    let run = Run::new(hubspot);
    run.sync().unwrap();
    assert_eq!(run.copy(), run.hubspot(|h| h.live()));
}

fn changes_during_the_search_are_not_lost() {
    let mut hubspot = Hubspot::with_contacts(2_000);
    // Between two searches, contacts of the window change again and move behind it.
    hubspot.after_search = Some(Box::new(|h, count| {
        if count < 12 {
            h.now += 50;
            for id in 0..5 {
                h.touch(1 + (count * 150 + id * 37) % 1_999);
            }
        }
    }));
    let run = Run::new(hubspot);
    run.sync().unwrap();
    run.hubspot(|h| {
        h.now += HOUR;
        h.searches = 0;
        for id in 1..=1_999 {
            h.touch(id);
            h.now += i64::from(id % 3 == 0);
        }
    });
    run.sync().unwrap();
    // What changed in the last seconds is found at the latest by the next run.
    run.hubspot(|h| h.now += HOUR);
    run.sync().unwrap();
    assert_eq!(run.copy(), run.hubspot(|h| h.live()));
}

fn interrupted_anywhere_it_goes_on() {
    for fails_at in [1, 2, 5, 9, 13, 17, 18, 25, 40] {
        let run = Run::new(Hubspot::with_contacts(1_000));
        run.fail_at(fails_at);
        let _ = run.sync();
        run.sync().unwrap();
        run.hubspot(|h| {
            h.now += HOUR;
            for id in 1..=900 {
                h.touch(id);
            }
            h.now += HOUR;
        });
        run.fail_at(fails_at);
        let _ = run.sync();
        run.sync().unwrap();
        assert_eq!(run.copy(), run.hubspot(|h| h.live()), "interrupted at call {fails_at}");
    }
}

fn deleted_contacts_are_deleted_once() {
    let run = Run::new(Hubspot::with_contacts(350));
    run.sync().unwrap();
    run.hubspot(|h| {
        for id in 1..=250 {
            h.archive(id);
        }
        h.now += HOUR;
    });
    run.sync().unwrap();
    assert_eq!(run.copy(), run.hubspot(|h| h.live()));
    assert_eq!(run.deletions(), 250);
    run.sync().unwrap();
    assert_eq!(run.deletions(), 250, "a contact is deleted once");
}

fn create_contact() {
    let run = Run::new(Hubspot::with_contacts(3));
    let made: serde_json::Value =
        serde_json::from_str(&run.action(r#"{"email":"new@example.com","first_name":"Ada"}"#).unwrap()).unwrap();
    assert_eq!(
        (&made["id"], &made["email"], &made["first_name"]),
        (&"4".into(), &"new@example.com".into(), &"Ada".into())
    );

    let taken = run.action(r#"{"email":"contact2@example.com"}"#).unwrap_err();
    assert_eq!(taken.type_, "action_script_runtime_error");
    let payload: serde_json::Value = serde_json::from_str(&taken.payload_json).unwrap();
    assert_eq!(
        (&payload["type"], &payload["existing_id"]),
        (&"contact_exists".into(), &"2".into())
    );

    let invalid = run.action(r#"{"first_name":"No address"}"#).unwrap_err();
    assert_eq!(invalid.type_, "action_script_runtime_error");

    let broken = run.action(r#"{"email":"fail@example.com"}"#).unwrap_err();
    assert_eq!((broken.type_.as_str(), broken.status), ("script_http_error", 500));
}
