//! Finding one object for a caller, so that nobody learns from the work it takes whether a hidden object exists.

use std::hint::black_box;
use std::str::FromStr;
use std::sync::Arc;

use access::{Graph, VisibilityClass};
use inventory::Snapshot;
use model::{Kind, Object};

/// What is asked of the picture; the test counts it.
pub(crate) trait Picture: Graph<Object = Object> {
    fn by_id(&self, id: &str) -> Option<&Arc<Object>>;
    fn by_ref(&self, reference: &str) -> Option<&Arc<Object>>;
    fn any_of(&self, kind: Kind) -> Option<&Arc<Object>>;
}

impl Picture for Snapshot {
    fn by_id(&self, id: &str) -> Option<&Arc<Object>> {
        self.get(id)
    }

    fn by_ref(&self, reference: &str) -> Option<&Arc<Object>> {
        Self::by_ref(self, reference)
    }

    fn any_of(&self, kind: Kind) -> Option<&Arc<Object>> {
        self.of_kind(kind).next()
    }
}

/// Returns the object with this public id or reference of its pool, if it is of one of these types (any, if none is named)
/// and the class sees it.
///
/// What is hidden and what does not exist take the same way: both look-ups are made whatever the first one finds, and where
/// nothing is found it is asked of another object of the type whether the class sees it.
pub(crate) fn find<'a>(
    picture: &'a impl Picture,
    class: &VisibilityClass,
    id: &str,
    kinds: &[&str],
) -> Option<&'a Arc<Object>> {
    let (by_id, by_ref) = (picture.by_id(id), picture.by_ref(id));
    let is_wanted = |object: &&Arc<Object>| kinds.is_empty() || kinds.contains(&object.kind().as_str());
    let found = by_id.or(by_ref).filter(is_wanted);
    let kind = kinds.first().and_then(|kind| Kind::from_str(kind).ok()).unwrap_or(Kind::Vm);
    let looked_at = found.or_else(|| picture.any_of(kind))?;
    // The answer for a stand-in is worth nothing, and is asked for all the same.
    let is_seen = black_box(class.sees(picture, &**looked_at));
    found.filter(|_| is_seen)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use inventory::Inventory;
    use model::{Entry, Rights, ServerId};
    use xapi::{Delta, Value};

    use super::*;

    /// Counts the objects that are looked up.
    struct Counted {
        picture: Snapshot,
        count: Cell<u32>,
    }

    impl Counted {
        fn one(&self) -> &Snapshot {
            self.count.update(|count| count + 1);
            &self.picture
        }
    }

    impl Graph for Counted {
        type Object = Object;

        fn object(&self, id: &str) -> Option<&Object> {
            self.one().object(id)
        }
    }

    impl Picture for Counted {
        fn by_id(&self, id: &str) -> Option<&Arc<Object>> {
            self.one().get(id)
        }

        fn by_ref(&self, reference: &str) -> Option<&Arc<Object>> {
            self.one().by_ref(reference)
        }

        fn any_of(&self, kind: Kind) -> Option<&Arc<Object>> {
            self.picture.any_of(kind)
        }
    }

    /// Three VMs of a pool; only the last one is granted to somebody.
    fn world() -> Counted {
        let text = |text: &str| Value::from(text);
        let record = |class: &str, name: &str| Delta::Apply {
            class: class.into(),
            reference: format!("OpaqueRef:{name}").into(),
            record: Value::record([("uuid", text(name)), ("name_label", text(name)), ("power_state", text("Halted"))]),
        };
        let inventory = Inventory::new();
        let mut writer = inventory.writer(ServerId::from("s"));
        writer.begin();
        writer.apply(&[record("pool", "p")]);
        writer.apply(&["a", "b", "c"].map(|name| record("VM", name)));
        writer.finish().unwrap();
        Counted { picture: inventory.snapshot(), count: Cell::new(0) }
    }

    #[test]
    fn hidden_and_absent_take_the_same_number_of_look_ups() {
        let world = world();
        let rights = |object| Rights::of(&["me"], [Entry { subject: "me", object, action: "viewer" }]);
        let some = VisibilityClass::Listed(Arc::new(rights("c")));
        let look = |class: &VisibilityClass, id: &str| {
            world.count.set(0);
            let found = find(&world, class, id, &["VM"]).map(|object| object.id().to_string());
            (found, world.count.get())
        };
        for class in [&VisibilityClass::Nothing, &some] {
            let (_, cost) = look(class, "absent");
            for id in ["b", "OpaqueRef:b", "absent", "OpaqueRef:absent", ""] {
                assert_eq!(look(class, id), (None, cost), "{id} for {class:?}");
            }
        }
        // More than the two look-ups of the id itself, so it was really asked.
        assert!(look(&some, "absent").1 > 2);
        for id in ["c", "OpaqueRef:c"] {
            assert_eq!(look(&some, id).0.as_deref(), Some("c"));
        }
        assert_eq!(find(&world, &some, "c", &["host"]), None);
    }
}
