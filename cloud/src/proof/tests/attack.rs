//! Somebody changes the file on its way.

use super::*;

#[test]
fn one_digit_changed_in_any_field_is_found_and_named() {
    let honest = honest();
    let leaves = leaves(&honest);
    assert!(leaves.len() > 700, "{}", leaves.len());
    for (pointer, field) in leaves {
        let mut altered = honest.clone();
        alter(altered.pointer_mut(&pointer).unwrap());
        assert_ne!(altered, honest, "{pointer}");
        let report = verdict(&altered);
        let named = report.differences.iter().any(|one| one.field == field);
        assert!(named, "{pointer}: {:?}", report.differences);
    }
}

#[test]
fn a_field_that_is_taken_out_or_put_in_is_found_and_named() {
    let honest = honest();
    for (pointer, field) in leaves(&honest) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let Some(members) = honest.pointer(parent).unwrap().as_object() else {
            continue;
        };
        assert!(members.contains_key(name));
        let mut altered = honest.clone();
        let parent = altered
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        let taken = parent.remove(name).unwrap();
        let report = verdict(&altered);
        let named = report.differences.iter().any(|one| {
            // Without its last member an object is a field of its own.
            one.field == field || field.starts_with(&one.field)
        });
        assert!(named, "without {pointer}: {:?}", report.differences);
        let parent = pointer.rsplit_once('/').unwrap().0;
        let parent = altered
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap();
        parent.insert(name.to_owned(), taken.clone());
        parent.insert(format!("{name}2"), taken);
        assert!(!verdict(&altered).is_identical(), "{pointer} twice");
    }
}
