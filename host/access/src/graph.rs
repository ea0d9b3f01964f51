//! What objects belong to, as far as rights follow from it.

/// Where objects are looked up: one state of the picture.
pub trait Graph {
    /// What it finds.
    type Object;
    /// Returns the object with this id.
    fn object(&self, id: &str) -> Option<&Self::Object>;
}

/// No objects at all: for decisions about what is in no pool.
impl Graph for () {
    type Object = model::Object;

    fn object(&self, _id: &str) -> Option<&model::Object> {
        None
    }
}
