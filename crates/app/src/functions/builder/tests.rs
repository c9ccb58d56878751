use super::{MESSAGE_MAX, sanitised};

#[test]
fn messages_tell_nothing_about_the_machine() {
    let text = "error: cannot read /var/lib/thing/file.ts (\"/etc/passwd\")\n  12 | nango.get('/crm/v3/x')\nsee https://host.internal:3003/docs";
    assert_eq!(
        sanitised(text),
        "error: cannot read <path> (\"<path>\")\n  12 | nango.get('/crm/v3/x')\nsee /docs"
    );
    assert_eq!(sanitised(&"ä".repeat(MESSAGE_MAX + 5)).chars().count(), MESSAGE_MAX);
}
